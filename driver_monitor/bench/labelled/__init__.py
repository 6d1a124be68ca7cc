"""Label files, and which clip, trace or run each belongs to. All verbs with `--labels` use the same rule.

This folder may import every folder below `app`, `bench.batch`, `bench.replays`, `bench.runs`, `bench.score`.
"""
