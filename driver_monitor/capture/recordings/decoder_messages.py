"""Collects the lines that libpng and libjpeg print on stderr, so that one fault is one line of our own."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator

_STDERR_LOCK = threading.Lock()
_MESSAGE = re.compile(
    rb"libpng (error|warning): |Corrupt JPEG data: |Premature end of JPEG |Invalid SOS parameters |"
    rb"Inconsistent progression |Warning: unknown JFIF |Unknown Adobe color "
)
"""How a decoder's line begins (libpng's pngerror.c, the warnings in libjpeg's jerror.h)."""


@contextlib.contextmanager
def collect_decoder_messages() -> Iterator[list[str]]:
    """Yield a list. At the end of the `with` block it gets the lines that libpng and libjpeg printed in the block.

    The stderr of the whole process is redirected during the block. At the end, other lines are written to stderr.
    Without stderr, the list stays empty. One block runs at a time. It is too slow for a camera's frames.
    """
    messages: list[str] = []
    with _STDERR_LOCK, contextlib.ExitStack() as stack:
        try:
            stderr = os.dup(2)
        except OSError:  # the process has no stderr
            yield messages
            return
        stack.callback(os.close, stderr)
        buffer = os.memfd_create("stderr")
        stack.callback(os.close, buffer)
        os.dup2(buffer, 2)
        try:
            yield messages
        finally:
            os.dup2(stderr, 2)
            for line in os.pread(buffer, os.fstat(buffer).st_size, 0).splitlines(keepends=True):
                if _MESSAGE.match(line):
                    messages.append(line.decode("ascii", "replace").strip())
                else:
                    os.write(2, line)
