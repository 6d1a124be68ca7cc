"""Judges from observations whether camera and lamp are mounted well, in words for the installer. Pure.

It may import `data`. `aim`, `app`, `bench` and `cli` use it.
"""
