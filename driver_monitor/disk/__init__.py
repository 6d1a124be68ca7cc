"""Reads files of the program's own, which somebody else may have exchanged for anything, judges their errors, replaces
them in one step, and makes what was written survive a power cut.

It may import nothing of this program. `config`, `app`, `bench`, `outputs`, `spool`, `keys` and `fleet` use it.
"""
