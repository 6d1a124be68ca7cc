"""Scores clips against hand labels: closures, alerts, face, look-aways and yawns, with 95 % intervals.

This folder may import `bench`, `app` and every folder below them. Only `cli` and the tools use it.
"""
