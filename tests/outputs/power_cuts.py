"""Records what a program writes to the disk, and builds the files that a power cut after any write would leave.

`strace` records the calls. What was synchronised stays. Of later writes nothing, all or some stay, each whole or torn
at a sector of 512 bytes. A new or a deleted name stays so when its folder was synchronised (ext4). Disks that lie about
synchronisation are beyond this.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SECTOR = 512
CUTS = 4
"""Count of cuts after each call: one loses all that is not synchronised, one nothing, the others a part."""
CALLS = "openat,close,pwrite64,ftruncate,fsync,fdatasync,unlink,write"
TEXT = r'"((?:\\x[0-9a-f]{2})*)"'


@dataclass
class _File:
    """One file: its synchronised content, and the writes since. A write is its offset and data; None: a new length."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    named: bool = False
    deleted: bool = False
    gone: bool = False


@dataclass
class Cut:
    """What is left after a cut that follows `call`. `said`: the lines that the program had written to its output."""

    call: str
    said: list[str]
    files: dict[str, bytes]

    def write(self, folder: Path) -> None:
        folder.mkdir()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)


def recorded(program: list[str], folder: Path, scratch: Path) -> Iterator[Cut]:
    """Run `program`, which writes to `folder`; yield every cut, equal ones once. Without strace, skip the test."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: power cuts are not enumerated")
    trace = scratch / "trace"
    command = [strace, "-f", "-xx", "-s", "100000", "-e", f"trace={CALLS}", "-o", str(trace), *program]
    subprocess.run(command, capture_output=True, check=False)
    if not trace.exists() or "openat" not in trace.read_text():
        pytest.skip("strace may not trace here: power cuts are not enumerated")
    return _cuts(trace.read_text().splitlines(), str(folder))


def _cuts(lines: list[str], folder: str) -> Iterator[Cut]:
    chance = random.Random(1)
    open_files: dict[int, str] = {}
    files: dict[str, _File] = {}
    said: list[str] = []
    seen: set[tuple[int, tuple[tuple[str, bytes], ...]]] = set()
    for line in _joined(lines):
        for number in range(CUTS if _apply(line, folder, open_files, files, said) else 0):
            cut = Cut(line[:60], list(said), _left(files, number, chance))
            state = len(said), tuple(sorted(cut.files.items()))
            if state not in seen:
                seen.add(state)
                yield cut


def _joined(lines: list[str]) -> Iterator[str]:
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


def _apply(line: str, folder: str, open_files: dict[int, str], files: dict[str, _File], said: list[str]) -> bool:
    """Apply one call. Returns whether the disk or what was said changed."""
    if found := re.match(rf"openat\(\w+, {TEXT}, .*\) = (\d+)", line):
        path = _bytes(found[1]).decode(errors="replace")
        if path.startswith(folder):
            name = path[len(folder) :].lstrip("/")
            open_files[int(found[2])] = name
            if name and (name not in files or files[name].deleted):
                files[name] = _File()
        return False
    if found := re.match(r"close\((\d+)", line):
        open_files.pop(int(found[1]), None)
        return False
    if found := re.match(rf"write\(1, {TEXT}", line):
        said.append(_bytes(found[1]).decode().strip())
        return True
    if found := re.match(rf"unlink\({TEXT}", line):
        name = _bytes(found[1]).decode()[len(folder) :].lstrip("/")
        if name in files:
            files[name].deleted = True
        return name in files
    found = re.match(r"(\w+)\((\d+)(?:, (.*))?\) += 0|(pwrite64)\((\d+), (.*)\) += \d+", line)
    if not found or (name_of := open_files.get(int(found[2] or found[5]))) is None:
        return False
    return _write(found[1] or found[4], found[3] or found[6] or "", name_of, files)


def _write(call: str, arguments: str, name: str, files: dict[str, _File]) -> bool:
    if call == "pwrite64" and (found := re.match(rf"{TEXT}, \d+, (\d+)", arguments)):
        files[name].pending.append((int(found[2]), _bytes(found[1])))
    elif call == "ftruncate":
        files[name].pending.append((int(arguments), None))
    elif call in ("fsync", "fdatasync") and name:
        file = files[name]
        for offset, data in file.pending:
            _put(file.durable, offset, data)
        file.pending.clear()
        file.named = True
    elif call in ("fsync", "fdatasync"):
        for file in files.values():
            file.named, file.gone = True, file.deleted
    else:
        return False
    return True


def _left(files: dict[str, _File], number: int, chance: random.Random) -> dict[str, bytes]:
    left = {}
    for name, file in files.items():
        if file.gone or (file.deleted and chance.random() < 0.5) or (not file.named and chance.random() < 0.5):
            continue
        content = bytearray(file.durable)
        for offset, data in file.pending:
            if number == 0 or (number > 1 and chance.random() < 0.5):
                continue
            torn = number > 2 and data is not None and chance.random() < 0.5
            _put(content, offset, data[: chance.randrange(0, len(data) + 1, SECTOR)] if torn and data else data)
        left[name] = bytes(content)
    return left


def _put(content: bytearray, offset: int, data: bytes | None) -> None:
    end = offset if data is None else offset + len(data)
    content.extend(bytes(max(0, end - len(content))))
    if data is None:
        del content[offset:]
    else:
        content[offset:end] = data


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))
