"""Computes medians and quantiles of a few numbers, fast from the first call on.

It may import nothing of this package. `state` and `perception` use it.
"""
