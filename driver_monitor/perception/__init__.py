"""Turns a frame into an observation: judges light and a covered lens, finds the face, reads eyes and expression.

It may import `nets`, `imaging`, `timing`, `data` and `errors`. `app`, `bench` and the tools use it.
"""
