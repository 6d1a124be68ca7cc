"""Reads files of the program's own, which somebody else may have exchanged for anything, and judges their errors.

It may import nothing of this program. `config`, `app`, `bench`, `outputs` and `spool` use it.
"""
