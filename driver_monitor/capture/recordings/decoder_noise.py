"""What libpng and libjpeg print on stderr by themselves, caught, so that one fault is one line of ours."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator

_OURS_ALONE = threading.Lock()
_DECODERS = re.compile(
    rb"libpng (error|warning): |Corrupt JPEG data: |Premature end of JPEG |Invalid SOS parameters |"
    rb"Inconsistent progression |Warning: unknown JFIF |Unknown Adobe color "
)
"""How their lines begin (libpng's pngerror.c, the warnings in libjpeg's jerror.h)."""


@contextlib.contextmanager
def caught() -> Iterator[list[str]]:
    """Collect the decoders' lines in the list that is given; not for cameras, whose frames come too often.

    The whole process's stderr is led aside meanwhile; what other threads write there follows a moment later.
    """
    said: list[str] = []
    with _OURS_ALONE, contextlib.ExitStack() as stack:
        try:
            stderr = os.dup(2)
        except OSError:  # there is none, so that nobody can be disturbed
            yield said
            return
        stack.callback(os.close, stderr)
        aside = os.memfd_create("stderr")
        stack.callback(os.close, aside)
        os.dup2(aside, 2)
        try:
            yield said
        finally:
            os.dup2(stderr, 2)
            for line in os.pread(aside, os.fstat(aside).st_size, 0).splitlines(keepends=True):
                if _DECODERS.match(line):
                    said.append(line.decode("ascii", "replace").strip())
                else:
                    os.write(2, line)
