"""Compares two runs, two batches of runs, two results of `score clips`, or two of `bench`.

This folder may import `bench.batch`, `bench.explain`, `bench.files`, `bench.html`, `bench.labelled`, `bench.replays`,
`bench.runs`, `bench.score`, and every folder below `bench`.
"""
