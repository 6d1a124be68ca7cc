"""Tools for pictures that know nothing of faces: frames, checks of size, rotation, crops.

It may import `data` and `errors`. `capture` and `perception` use it.
"""
