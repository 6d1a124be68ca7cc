"""The tools that measure what is told of a camera with a fault, and what reading a camera through a pipe costs.

They may import `driver_monitor`, and `tools.measure`. Only a maintainer and the tests run them.
"""
