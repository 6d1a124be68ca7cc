"""The tool that fits the weights of the drowsiness estimate.

It may import `driver_monitor`. Only a maintainer runs it.
"""
