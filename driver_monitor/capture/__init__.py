"""Sources of frames: cameras, streams and recordings, and the thread that keeps the newest frame.

It may import `config`, `threads`, `imaging`, `data`, `errors` and `demo`. `app` and `bench` use it.
"""
