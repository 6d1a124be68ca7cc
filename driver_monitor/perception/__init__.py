"""Turns a frame into an observation: light and cover, the face, and a list of readers (eyes, expression).

It may import `nets`, `imaging`, `timing`, `data` and `errors`. `app`, `bench` and the tools use it.
"""
