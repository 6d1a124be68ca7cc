"""The process of the daemon: what signals do to it, what systemd hears of it, how a reload is asked for, its clock.

It may import `threads`, `disk`, `spool` and `errors`. `app` and the systemd unit use it.
"""
