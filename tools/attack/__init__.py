"""Attacks on a running daemon: what it must survive, with figures.

They may import `driver_monitor`, and each other. Only a maintainer and the tests run them.
"""
