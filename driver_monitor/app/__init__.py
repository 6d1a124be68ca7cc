"""The running daemon: the composition root (`build`), the live loop (`daemon`), reload, status and systemd.

It may import every folder but `bench` and `cli`. `cli` starts it, and `bench` builds its pipelines with `build`.
"""
