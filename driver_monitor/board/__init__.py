"""Reads the computer board itself, its temperature and its supply, and decides what to give up when it is too hot.

It may import `threads`. `app` uses it.
"""
