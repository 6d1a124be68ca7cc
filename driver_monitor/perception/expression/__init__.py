"""Reads the expression of a face from one picture.

It may import `perception.reader`, `nets`, `imaging`, `timing` and `data`. `app`, `bench` and the tools use it.
"""
