"""The aiming page, `driver-monitor aim`: shows an installer the live picture and what to change about the camera.

It may import every folder except `bench` and `cli`. Only `cli` imports it: it needs the packages of the extra `aim`.
"""
