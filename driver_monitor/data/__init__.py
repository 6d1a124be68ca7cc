"""Frozen data that passes from one stage to the next: observation, driver state, alert.

It may import nothing of this package. Every other folder uses it.
"""
