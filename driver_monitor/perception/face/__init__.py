"""Finds the driver's face and follows it from frame to frame, with landmarks, head pose and mouth.

It may import `perception.face.detectors`, `nets`, `imaging`, `timing` and `data`. `perception`, `app` and tools use it.
"""
