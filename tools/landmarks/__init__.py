"""The tools of the landmark net: labels by the teacher, made-up faces, the net, its training and its figures.

They may import `tools.training` and `driver_monitor`. `tools.eyes` uses `close_eyes`; the tests use `mean_face.csv`.
"""
