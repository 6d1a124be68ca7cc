"""The tools of the head pose: MediaPipe labels crops and clips with it, and our head pose is measured beside it.

`anchor.py` and `teach.py` run in an environment with MediaPipe and import nothing of ours. `measure` may import
`driver_monitor`.
"""
