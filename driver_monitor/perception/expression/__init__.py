"""The expression of a face, from one look at it.

It may import `nets`, `imaging` and `data`. `perception`, `bench` and the tools use it.
"""
