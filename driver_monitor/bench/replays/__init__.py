"""A replay of one clip: opened, run through the pipeline, written as a run.

This folder may import `app` and every folder below `app`, `bench.runs`, `bench.tables`,
`bench.video` and `bench.report`.
"""
