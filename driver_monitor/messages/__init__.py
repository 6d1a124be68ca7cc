"""Encodes and filters the data that leave the daemon: alerts, state, status and traces, as JSON.

This package may import `signals`, `rules`, `state`, `data` and `errors`. `outputs`, `app`, `bench` and `cli` use it.
"""
