"""Defines the frozen data that passes from one stage to the next: observation, driver state, alert.

It may import only `timing` and `frozen`. Most other folders use it.
"""
