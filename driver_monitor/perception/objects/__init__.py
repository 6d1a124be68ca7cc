"""Reads what is at the driver's face: a telephone at an ear, a hand, an object at the mouth, a mask.

It may import `perception.reader`, `nets`, `imaging`, `timing` and `data`. `app`, `bench` and the tools use it.
"""
