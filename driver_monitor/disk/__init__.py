"""Reads files of the program's own, which somebody else may have exchanged for anything.

It may import nothing of this program. `config`, `app` and `bench` use it.
"""
