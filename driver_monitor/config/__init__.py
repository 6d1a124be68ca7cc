"""Reads and checks the configuration and the profiles, and finds the files that come with the program.

It may import `rules`, `data`, `disk`, `mqtt` and `errors`. Every folder that is built from the configuration uses it.
"""
