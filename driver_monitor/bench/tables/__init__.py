"""Tables of signals and events, as Parquet or CSV, made during a replay or from finished runs.

This folder may import every folder below `app`, and `bench.runs`.
"""
