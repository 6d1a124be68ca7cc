"""The running daemon: the composition root (`build`), the table of parts, the live loop, reload, status and systemd.

It may import every folder except `bench` and `cli`. `cli` starts the daemon; `bench` uses `build` and `pipeline`.
"""
