"""Observations over time to driver state. Pure: no clock, no I/O, no threads."""
