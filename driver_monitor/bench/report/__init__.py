"""Pages about finished runs: report.html for one run, and index.html for many.

This folder may import every folder below `app`, and `bench`. Only `bench.replays`, `bench.batch` and `cli` use it.
"""
