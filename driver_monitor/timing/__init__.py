"""Measures time from the times of frames: steps, durations of conditions, sums over windows. Reads no clock.

It may import nothing of this package. `data`, `state`, `rules`, `perception` and `app` use it.
"""
