"""Estimates how sleepy the driver is, from PERCLOS, blinks, yawns and nods. Pure.

It may import `state.eyes`, `timing`, `statistics` and `data`. `state`, `signals` and `tools` use it.
"""
