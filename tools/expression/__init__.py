"""The tools of the expression net: faces and votes, teachers, the net, its training, its int8 form and its figures.

They may import `tools.training` and `driver_monitor`. Only a maintainer runs them.
"""
