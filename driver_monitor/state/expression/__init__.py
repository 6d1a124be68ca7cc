"""What the face shows over time, and expressions that last less than half a second. Pure.

It may import `timing` and `data`. `state` uses it.
"""
