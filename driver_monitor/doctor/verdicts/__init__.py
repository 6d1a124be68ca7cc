"""Turns facts about a machine into findings, each with its remedy. Pure.

It may import `data` and `installer`. `doctor` and `cli` use it.
"""
