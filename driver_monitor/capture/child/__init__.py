"""Reads a camera through a child process that writes pictures into a pipe: `rpicam-vid`, GStreamer, a user's command.

It may import `capture.camera`, `capture.decoded_picture`, `capture.exposure`, `config`, `threads`, `imaging` and
`errors`. `capture` uses it.
"""
