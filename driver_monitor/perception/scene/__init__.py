"""Judges a whole picture before a face is searched: the kind of light, and a covered lens. Pure.

It may import `imaging` and `data`. `perception` uses it.
"""
