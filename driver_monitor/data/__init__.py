"""Frozen data that passes from one stage to the next: observation, driver state, alert.

It may import only `timing`. Every other folder uses it.
"""
