"""Judges the picture itself: the kind of light, a covered lens, the light on the face.

It may import `timing`, `statistics`, `imaging`, `data` and `perception.reader`. `perception` uses it.
"""
