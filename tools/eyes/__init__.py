"""The tools of the eye net: strips of eyes, the net, its training and its figures on strips and on stills.

They may import `tools.training`, `tools.landmarks` and `driver_monitor`. Only a maintainer runs them.
"""
