"""Recordings as sources of frames: video files and folders of images, with their own times.

It may import `capture.camera`, `imaging` and `errors`. `capture`, `app` and `bench` use it.
"""
