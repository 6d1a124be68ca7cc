"""A program named `aplay` that makes no sound: it tells the test how it was called, and ends as it is told to."""

from __future__ import annotations

import os
import select
import shlex
from contextlib import suppress
from pathlib import Path

import pytest

PATIENCE_S = 20.0
"""Longest wait for a call or an end; only a failure takes so long."""
SCRIPT = """#!/bin/sh
echo "$$ $*" > {calls}
case "$(cat {mode})" in
plays) exec sleep 600 ;;
fails) echo "ALSA lib pcm.c:2660:(snd_pcm_open_noupdate) Unknown PCM" >&2
       echo "aplay: main:831: audio open error: No such file or directory" >&2
       exit 1 ;;
esac
"""


class FakeAplay:
    """Puts the fake first on the PATH. `mode`: it `ends` at once, it `plays` until it is killed, or it `fails`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, mode: str = "ends") -> None:
        self.folder = folder / "bin"
        self.folder.mkdir()
        calls, self._mode = self.folder / "calls", self.folder / "mode"
        os.mkfifo(calls)
        self._calls = os.open(calls, os.O_RDWR)
        self._rest = b""
        self.mode(mode)
        program = self.folder / "aplay"
        program.write_text(SCRIPT.format(calls=shlex.quote(str(calls)), mode=shlex.quote(str(self._mode))))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{self.folder}:{os.environ['PATH']}")

    def mode(self, mode: str) -> None:
        self._mode.write_text(mode)

    def call(self) -> tuple[int, list[str]]:
        """Wait for the next call, and return its process and its arguments; of a file only the name."""
        while b"\n" not in self._rest:
            assert select.select([self._calls], [], [], PATIENCE_S)[0], "aplay was not called"
            self._rest += os.read(self._calls, 4096)
        line, _, self._rest = self._rest.partition(b"\n")
        process, *arguments = line.decode().split()
        return int(process), [one.rpartition("/")[2] for one in arguments]

    def sounds(self) -> list[str]:
        """Wait for the next call, and return the names of the files."""
        return self.call()[1][3:]


def await_end(process: int) -> None:
    """Wait until a process of this number is gone."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(process)
        try:
            assert select.select([descriptor], [], [], PATIENCE_S)[0], "aplay still plays"
        finally:
            os.close(descriptor)
