"""Sends pictures to `driver-monitor aim` while it runs: the one place where a picture leaves the daemon.

This folder may import `messages`, `config`, `threads`, `imaging`, `timing` and `data`. `app` and `aim` use it.
"""
