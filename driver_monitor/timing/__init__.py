"""Time between frames as data: steps, durations of conditions, sums over windows, periods. Pure: reads no clock.

It may import nothing of this package. `data`, `state`, `rules`, `perception` and `app` use it.
"""
