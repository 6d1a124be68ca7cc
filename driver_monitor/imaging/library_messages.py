"""Keeps the lines that C libraries print on stderr from the user, and collects those about damaged pictures.

libjpeg (in OpenCV) prints a line for each damaged picture: 108,000 an hour at 30 frames a second. libpng, OpenCV,
FFmpeg and onnxruntime print lines too. They write to file descriptor 2, which Python's `sys.stderr` need not use.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

_LOCK = threading.Lock()
_MESSAGE = re.compile(
    rb"libpng (error|warning): |Corrupt JPEG data: |Premature end of JPEG |Invalid SOS parameters |"
    rb"Inconsistent progression |Warning: unknown JFIF |Unknown Adobe color "
)
"""How a decoder's line begins (libpng's pngerror.c, the warnings in libjpeg's jerror.h)."""
_HARMLESS = re.compile("warning|extraneous bytes before marker", re.IGNORECASE)
"""Lines about whole pictures. Common webcams put stray bytes before the markers of every picture (Logitech C270)."""
MAX_BYTES = 1 << 20
"""Most bytes that are read at a time. A pipe of Linux holds 64 KB; further bytes written to a full one are lost."""


@dataclass(frozen=True, slots=True)
class _Hidden:
    """File descriptors: `user`: where descriptor 2 led before. `pipe`: reading and writing end of what it is now."""

    user: int
    pipe: tuple[int, int]


_hidden: _Hidden | None = None


@contextlib.contextmanager
def hide_library_messages() -> Iterator[None]:
    """In the `with` block, Python's `sys.stderr` reaches the user; what libraries write to descriptor 2 does not.

    A crash of a library still shows where Python was (`faulthandler`). Without stderr, or in another such block,
    nothing changes.
    """
    hidden = _redirect() if _hidden is None else None
    if hidden is None:
        yield
        return
    python_stderr = sys.stderr
    with contextlib.ExitStack() as at_end:
        if _descriptor_of(python_stderr) == 2:
            # Never closed: the log may still write to it when Python ends.
            sys.stderr = os.fdopen(os.dup(hidden.user), "w", buffering=1, errors="backslashreplace")
            at_end.callback(setattr, sys, "stderr", python_stderr)
        if not faulthandler.is_enabled():
            faulthandler.enable(hidden.user)
            at_end.callback(faulthandler.disable)
        try:
            yield
        finally:
            _restore(hidden)


@contextlib.contextmanager
def children_reach_the_user() -> Iterator[None]:
    """In the `with` block, descriptor 2 leads to the user again, for processes that are started in it."""
    if _hidden is None:
        yield
        return
    os.dup2(_hidden.user, 2)
    try:
        yield
    finally:
        os.dup2(_hidden.pipe[1], 2)


@contextlib.contextmanager
def collect_decoder_messages() -> Iterator[list[str]]:
    """Yield a list. At the end of the `with` block it gets the lines that libpng and libjpeg printed in the block.

    Outside `hide_library_messages`, other lines are written to stderr at the end. Without stderr, the list stays
    empty. One block runs at a time. It takes some microseconds: fast enough for a camera's frames.
    """
    messages: list[str] = []
    with _LOCK:
        own = _redirect() if _hidden is None else None
        hidden = own or _hidden
        if hidden is None:
            yield messages
            return
        _read(hidden)
        try:
            yield messages
        finally:
            others = []
            for line in _read(hidden).splitlines(keepends=True):
                if _MESSAGE.match(line):
                    messages.append(line.decode("ascii", "replace").strip())
                else:
                    others.append(line)
            if own is not None:
                _restore(own)
                os.write(2, b"".join(others))


def damage(messages: list[str]) -> str | None:
    """Return the first line in the decoder's `messages` that tells of damaged parts of a picture; None: it is whole."""
    return next((line for line in messages if not _HARMLESS.search(line)), None)


def _redirect() -> _Hidden | None:
    """Make descriptor 2 the writing end of a new pipe. None: the process has no stderr."""
    global _hidden  # noqa: PLW0603
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    try:
        user = os.dup(2)
    except OSError:
        return None
    # A full pipe that blocks would stop a camera for ever.
    pipe = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    os.dup2(pipe[1], 2)
    _hidden = _Hidden(user, pipe)
    return _hidden


def _restore(hidden: _Hidden) -> None:
    global _hidden  # noqa: PLW0603
    _hidden = None
    os.dup2(hidden.user, 2)
    for descriptor in (hidden.user, *hidden.pipe):
        os.close(descriptor)


def _read(hidden: _Hidden) -> bytes:
    try:
        return os.read(hidden.pipe[0], MAX_BYTES)
    except BlockingIOError:
        return b""


def _descriptor_of(stream: object) -> int | None:
    try:
        return int(stream.fileno())  # type: ignore[attr-defined]
    except (OSError, ValueError, AttributeError):
        return None
