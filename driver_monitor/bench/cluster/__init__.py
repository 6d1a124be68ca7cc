"""Batches on many machines, with dask.distributed: which workers may take part, and one task for each clip.

This folder may import `app` and every folder below `app`, `bench.batch`, `bench.replays`, `bench.runs`.
"""
