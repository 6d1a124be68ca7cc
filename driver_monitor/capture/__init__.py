"""Provides the sources of frames (cameras, streams, recordings) and the thread that keeps only the newest frame.

It may import `config`, `threads`, `imaging`, `data`, `errors` and `demo`. `app` and `bench` use it.
"""
