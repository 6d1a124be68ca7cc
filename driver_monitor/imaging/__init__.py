"""Defines frames and the numbers of the iBUG points. Checks, turns, scales and crops pictures; finds no faces.
Keeps the messages of picture libraries from the user.

It may import `data` and `errors`. `capture`, `perception`, `app` and `bench` use it.
"""
