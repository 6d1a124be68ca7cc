"""Lists the cameras of this machine, without opening one for pictures: a running daemon is not disturbed.

It may import `capture`, `config` and `errors`. `doctor` and `cli` use it.
"""
