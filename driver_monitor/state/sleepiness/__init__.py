"""How sleepy the driver is: from PERCLOS, blinks, yawns and nods. Pure.

It may import `state.eyes`, `timing` and `data`. `state` uses it.
"""
