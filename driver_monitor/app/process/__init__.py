"""The process of the daemon: what signals do to it, what systemd hears of it, and how a reload is asked for.

It may import `threads`, `disk` and `errors`. `app` and the systemd unit use it.
"""
