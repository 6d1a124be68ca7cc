"""The tool that makes the sounds of the loudspeaker: chimes and words.

It may import `driver_monitor`. Only a maintainer runs it.
"""
