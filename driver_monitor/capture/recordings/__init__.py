"""Reads recordings (clips and folders of images) as sources of frames, and decodes the video of URLs.

It may import `capture.camera`, `capture.decoded_picture`, `imaging` and `errors`. `capture` and `bench` use it.
"""
