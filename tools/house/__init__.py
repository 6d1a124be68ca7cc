"""Scripts about the code itself, such as counts of modules and calls, and its memory.

They may import `driver_monitor`. Only a maintainer and the tests run them.
"""
