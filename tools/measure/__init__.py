"""The tools that measure the whole program: scores on changed clips, speed, delays, state and rules.

They may import `driver_monitor`, each other, and the tools of `attack` and `cost`. Only a maintainer and the acceptance
tests run them.
"""
