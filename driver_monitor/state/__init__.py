"""Turns observations into the driver state over time. Pure: it uses no clock, no files and no threads.

This folder may import `timing` and `data`. `signals`, `rules`, `app` and `bench` use it.
"""
