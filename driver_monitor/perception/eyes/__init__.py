"""The eyes of a face: opening, probability of closed, direction of the irises, and why an eye cannot be read.

It may import `nets`, `imaging` and `data`. `perception`, `bench` and the tools use it.
"""
