"""Reads the expression of a face from one picture.

It may import `perception.reader`, `nets`, `imaging`, `timing` and `data`. `perception`, `bench` and the tools use it.
"""
