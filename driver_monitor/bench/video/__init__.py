"""A clip as a video with what was read from each frame drawn into it, for people who discuss it.

This folder may import every folder below `app`, `bench.replays` and `bench.runs`.
"""
