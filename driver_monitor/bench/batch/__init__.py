"""Many clips: which ones, in which folders, in which processes.

This folder may import `app` and every folder below `app`, `bench.replays`, `bench.runs`.
"""
