"""From observations to driver state over time. Pure: no clock, no files, no threads.

It may import `timing` and `data`. `rules` reads its results, and `app` builds it.
"""
