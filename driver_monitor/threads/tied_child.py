"""Ties the life of a child process to the thread that starts it, where the system allows that."""

from __future__ import annotations

import functools
import shutil
import subprocess

TRY_S = 1.0
"""Longest time for trying out setpriv, which takes milliseconds."""


def tied_to_parent() -> tuple[str, ...]:
    """Return the words before a command that make the kernel kill it when this thread ends; none if that fails here.

    In the service, setpriv fails: it sets capabilities, which the unit forbids. There, systemd ends the program with
    the daemon. A function that Python runs in the child before the program (`preexec_fn`) could hang for ever in a
    process with threads.
    """
    program = shutil.which("setpriv")
    words = (program or "", "--pdeathsig", "KILL", "--")
    return words if program is not None and _works(words) else ()


@functools.cache
def _works(words: tuple[str, ...]) -> bool:
    """Return whether a command after `words` is run."""
    try:
        tried = subprocess.run(
            [*words, "true"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TRY_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0
