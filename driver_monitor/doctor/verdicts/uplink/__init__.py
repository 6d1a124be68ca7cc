"""Judges the connection to the operator. It is pure.

It may import `doctor.verdicts`. `doctor` uses it.
"""
