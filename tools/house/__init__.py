"""Scripts about the code itself, such as counts of modules and calls.

They may import `driver_monitor`. Only a maintainer and the tests run them.
"""
