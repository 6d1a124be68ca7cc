"""Follows what the face shows over time, and finds expressions that last up to half a second. Pure.

It may import `timing` and `data`. `state`, `app` and `bench` use it.
"""
