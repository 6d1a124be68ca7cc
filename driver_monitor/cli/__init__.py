"""The command line: one function for each verb, and the live view of a running daemon.

It may import every folder. Nothing imports it but `__main__` and the console script.
"""
