"""What cannot be seen, since when and why: no camera, no face, unreadable eyes, covered mouth. Pure.

It may import `timing` and `data`. `state` uses it.
"""
