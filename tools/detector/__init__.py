"""The tools of the face detector: cached pictures, composed scenes, the net, its training and its figures.

They may import `tools.training` and `driver_monitor`. Only a maintainer runs them.
"""
