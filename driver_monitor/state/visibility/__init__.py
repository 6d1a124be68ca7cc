"""Finds what cannot be seen, for how long and why: no camera, no face, unreadable eyes, covered mouth. Pure.

It may import `timing` and `data`. `state` uses it.
"""
