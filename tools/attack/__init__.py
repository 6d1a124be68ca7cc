"""Attacks on a running daemon, with what a healthy subscriber still gets (docs/robustness.md).

They may import `driver_monitor`, and each other. Only a maintainer and the tests run them.
"""
