"""The tools of the eye net: strips of eyes, the net, its training and its figures on strips and on stills. `own` is for
the training on a user's own clips.

They may import `tools.training`, `tools.landmarks`, `tools.own` and `driver_monitor`. Only a maintainer runs them.
"""
