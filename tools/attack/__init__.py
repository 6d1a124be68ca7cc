"""Attacks on the program: damaged and hostile input, floods, kills.

They may import `driver_monitor`. Only a maintainer and the tests run them.
"""
