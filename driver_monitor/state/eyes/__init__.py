"""Measures the lids over time: openness against the driver's own open eye, closures, blinks, PERCLOS. Pure.

It may import `state.learning`, `timing` and `data`. `state`, `rules` and `bench` use it.
"""
