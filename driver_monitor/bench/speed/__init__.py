"""Measures how long the stages of a frame take on this computer, and how much memory they need.

This folder may import `app` and every folder below `app`, `bench.replays` and `bench.runs`.
"""
