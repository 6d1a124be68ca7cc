"""Records what a program does to the files of one folder, and what it says, with strace."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["create", "write", "truncate", "sync", "sync_folder", "unlink", "rename", "said"]
CALLS = "open,openat,pwrite64,write,ftruncate,fallocate,fsync,fdatasync,unlink,unlinkat,rename,renameat,renameat2,mkdir"
LONGEST = 1_000_000
"""Bytes of one write that are recorded. No write of a spool is longer."""
_HEX = r"(?:\\x[0-9a-f]{2})*"
_FILE = rf"(\d+)<({_HEX})>"
_TEXT = rf'"({_HEX})"'


class CannotTraceError(Exception):
    """strace is not installed, or may not trace here."""


@dataclass(frozen=True, slots=True)
class Event:
    """One call. `name`: of the file, in the folder; of `rename` the old name. `to`: the new name.

    `offset`: of `write`; of `truncate` the new length. `data`: of `write`; of `said` what the program wrote to its
    output.
    """

    kind: Kind
    name: str = ""
    to: str = ""
    offset: int = 0
    data: bytes = b""


def record(command: Sequence[str], folder: Path, scratch: Path) -> list[Event]:
    """Run `command` to its end, and return what it did in `folder`. `scratch`: for the trace.

    Raises `CannotTraceError`, and `RuntimeError` if the program fails or does what is not modelled.
    """
    if (strace := shutil.which("strace")) is None:
        raise CannotTraceError("strace is not installed (apt-get install strace)")
    trace = scratch / "trace"
    options = ["-f", "-y", "-xx", "-s", str(LONGEST), "-e", f"trace={CALLS}", "-o", str(trace)]
    done = subprocess.run([strace, *options, *command], capture_output=True, check=False)
    if not trace.exists() or "openat" not in trace.read_text():
        raise CannotTraceError(f"strace may not trace here: {done.stderr.decode(errors='replace')[-200:]}")
    if done.returncode != 0:
        raise RuntimeError(f"the recorded program failed: {done.stderr.decode(errors='replace')[-2000:]}")
    return list(parse(trace.read_text().splitlines(), folder))


def parse(lines: Sequence[str], folder: Path) -> Iterator[Event]:
    """Yield the events of a trace."""
    for line in _joined(lines):
        if (event := _event(line, folder)) is not None:
            yield event


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """Yield each call as one line without its thread. strace splits a call during which another thread calls."""
    begun: dict[str, str] = {}
    for line in lines:
        thread, _, call = line.partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            begun[thread] = call.removesuffix("<unfinished ...>").rstrip()
        elif found := re.match(r"<\.\.\. \w+ resumed>(.*)", call):
            yield begun.pop(thread, "") + found[1]
        else:
            yield call


def _event(line: str, folder: Path) -> Event | None:
    if found := re.match(rf"write\(1<{_HEX}>, {_TEXT}", line):
        return Event("said", data=_bytes(found[1]))
    if found := re.match(rf"open(?:at)?\(.*{_TEXT}, ([A-Z_|]+).*\) = {_FILE}", line):
        name = _inside(found[4], folder)
        if name and "O_TRUNC" in found[2]:
            raise RuntimeError(f"{name} is opened with O_TRUNC, which is not modelled")
        return Event("create", name) if name and "O_CREAT" in found[2] else None
    if found := re.match(rf"(?:unlink|unlinkat)\(.*{_TEXT}.*\) = 0", line):
        return Event("unlink", name) if (name := _inside(found[1], folder)) else None
    if found := re.match(rf"rename\w*\(.*{_TEXT},.*{_TEXT}.*\) = 0", line):
        name, to = _inside(found[1], folder), _inside(found[2], folder)
        return Event("rename", name, to) if name and to else None
    found = re.match(rf"(\w+)\({_FILE}(?:, (.*))?\) = \d+", line)
    name = _inside(found[3], folder) if found else None
    return None if found is None or name is None else _on_file(found[1], name, found[4] or "")


def _on_file(call: str, name: str, arguments: str) -> Event | None:
    if call in ("fsync", "fdatasync"):
        return Event("sync", name) if name else Event("sync_folder")
    if call == "ftruncate":
        return Event("truncate", name, offset=int(arguments))
    if call == "pwrite64" and (found := re.match(rf"{_TEXT}, \d+, (\d+)", arguments)):
        return Event("write", name, offset=int(found[2]), data=_bytes(found[1]))
    raise RuntimeError(f"{call} of {name} is not modelled")


def _inside(path: str, folder: Path) -> str | None:
    """Return the name of a hexadecimal path in `folder`, "" for the folder itself; None: it is somewhere else."""
    found = Path(_bytes(path).decode(errors="replace"))
    return "" if found == folder else found.name if found.parent == folder else None


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))
