"""The tools of flashes: pairs of pictures of a person, films morphed from them, and how many flashes are found.

They may import `tools.expression` and `driver_monitor`. Only a maintainer runs them.
"""
