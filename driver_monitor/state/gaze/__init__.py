"""Finds where the driver looks over time: straight ahead, zones, regions, look-aways, repeated glances. Pure.

It may import `state.learning`, `timing` and `data`. `state` and `bench` use it.
"""
