"""Attacks on the program: damaged and hostile input, floods, kills (docs/robustness.md).

They may import `driver_monitor`, and each other. Only a maintainer and the tests run them.
"""
