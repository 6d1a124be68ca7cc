"""Makes sure that stdin, stdout and stderr exist."""

from __future__ import annotations

import os
import sys

NAMES = ("stdin", "stdout", "stderr")
"""The names in `sys` of the descriptors 0, 1 and 2."""


def open_missing() -> None:
    """Open /dev/null in place of each standard stream that the caller has closed. Call this before files are opened.

    Otherwise the next file gets its descriptor, such as that of the alert numbers, and libraries print into this file.
    Python has None for a closed stream, which cannot be flushed.
    """
    for number, name in enumerate(NAMES):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
