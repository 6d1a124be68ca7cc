"""Follows what the looks of the objects net become over time: a telephone, a hand, an object, a mask. Pure.

It may import `state.visibility`, `timing` and `data`. `state` uses it.
"""
