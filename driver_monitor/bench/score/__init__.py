"""Scores of clips against hand labels: closures, alerts, face, look-aways and yawns, with 95 % intervals.

It may import `bench`, `app` and every folder below. Only `cli` and the tools use it.
"""
