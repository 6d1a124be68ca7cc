"""Measures what keys and certificates cost.

It may import `driver_monitor` and the brokers of `tests.fleet`.
"""
