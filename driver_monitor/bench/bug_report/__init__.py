"""A small archive about a part of a run, for a bug report: without pictures, names, addresses and paths.

This folder may import `app` and every folder below `app`, `bench.explain`, `bench.replays` and `bench.runs`.
"""
