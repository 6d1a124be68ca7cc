"""Reads the eyes of a face: opening, probability of closed, iris direction, and why an eye cannot be read.

It may import `perception.reader`, `nets`, `imaging`, `statistics` and `data`. `app`, `bench` and the tools use it.
"""
