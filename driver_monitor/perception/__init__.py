"""From a frame to an observation: light and cover, the face, and the readers of its eyes and expression.

It may import `nets`, `imaging`, `timing`, `data` and `errors`. `app`, `bench` and the tools use it.
"""
