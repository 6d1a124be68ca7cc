"""Reads the computer board itself: its temperature.

It may import `threads`. `app` uses it.
"""
