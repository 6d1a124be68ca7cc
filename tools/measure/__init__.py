"""The tools that measure the whole program: scores on changed clips, speed, delays, state and rules.

They may import `driver_monitor`, and each other. Only a maintainer and the acceptance tests run them.
"""
