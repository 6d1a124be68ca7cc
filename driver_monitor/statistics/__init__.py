"""Computes medians, quantiles and shares of arrays, fast from the first call on.

It may import nothing of this package. `state` and `perception` use it.
"""
