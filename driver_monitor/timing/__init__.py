"""Measures time from the times of frames: steps, durations of conditions, sums over windows. Reads no clock.

It may import only `frozen`. `data`, `state`, `rules`, `perception` and `app` use it.
"""
