"""A disk that loses its power: what has been synchronised stays, and of the rest any part.

- Content of a file is safe after its own fsync. Later writes survive or not, each on its own, whole or in sectors of
  512 bytes.
- Names (a new file, a removed one, a renamed one) are safe after the fsync of the folder. Each later change survives or
  not, on its own. A rename takes place whole or not at all.
- The index of SQLite's log (`-shm`) is memory that is written to the disk at any time: it is absent, zeros or noise.
- A disk that says that it has synchronised and has not is beyond this model.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from tools.spool.recording import Event

SECTOR = 512
EXHAUSTIVE = 3
"""Up to so many changes that are not safe, each combination of them is a state. Of more, some are drawn."""
Content = dict[str, bytes]
"""The files of the folder: name and content."""


@dataclass
class _File:
    safe: bytearray = field(default_factory=bytearray)
    pending: list[Event] = field(default_factory=list)


class DiskModel:
    """The folder, empty at first."""

    def __init__(self) -> None:
        self._safe: dict[str, _File] = {}
        self._live: dict[str, _File] = {}
        self._pending: list[tuple[Event, _File | None]] = []

    def apply(self, event: Event) -> bool:
        """Do what the program did. Returns whether a power cut now may leave something else than before."""
        file = self._live.get(event.name)
        if event.kind == "create" and file is None:
            self._live[event.name] = _File()
            self._pending.append((event, self._live[event.name]))
        elif event.kind in ("unlink", "rename") and file is not None:
            self._pending.append((event, file))
            _name(self._live, event, file)
        elif event.kind in ("write", "truncate") and file is not None:
            file.pending.append(event)
        elif event.kind == "sync" and file is not None:
            file.safe = _content(file, [1] * len(file.pending))
            file.pending.clear()
        elif event.kind == "sync_folder":
            self._safe = dict(self._live)
            self._pending.clear()
        else:
            return False
        return True

    def states(self, chance: random.Random, count: int) -> Iterator[Content]:
        """Yield what a power cut now may leave; some may be equal.

        If few changes are not safe, all combinations of them; else none and all of them. Then others that are drawn by
        chance, every second one torn, until there are `count`.
        """
        files = {id(file): file for _, file in self._pending if file is not None}
        files |= {id(file): file for file in (*self._safe.values(), *self._live.values())}
        changes = len(self._pending) + sum(len(file.pending) for file in files.values())
        combinations = (
            list(product((0, 1), repeat=changes)) if changes <= EXHAUSTIVE else [(0,) * changes, (1,) * changes]
        )
        for kept in combinations:
            yield self._state(list(kept), files, chance, torn=False)
        for number in range(count - len(combinations) if changes else 0):
            share = chance.choice((0.1, 0.5, 0.9))
            drawn = [int(chance.random() < share) for _ in range(changes)]
            yield self._state(drawn, files, chance, torn=number % 2 == 0)

    def _state(self, kept: list[int], files: dict[int, _File], chance: random.Random, torn: bool) -> Content:
        names = dict(self._safe)
        for event, file in self._pending:
            if kept.pop():
                _name(names, event, file)
        contents = {}
        for key, file in files.items():
            own = [kept.pop() for _ in file.pending]
            contents[key] = bytes(_content(file, own, chance if torn else None))
        return {name: contents[id(file)] for name, file in names.items() if not name.endswith("-shm")} | _index_of_log(
            names, chance
        )


def _name(names: dict[str, _File], event: Event, file: _File | None) -> None:
    if event.kind == "create" and file is not None:
        names[event.name] = file
    elif event.kind == "unlink" and names.get(event.name) is file:
        del names[event.name]
    elif event.kind == "rename" and file is not None:
        if names.get(event.name) is file:
            del names[event.name]
        names[event.to] = file


def _content(file: _File, kept: list[int], torn: random.Random | None = None) -> bytearray:
    """Return the content with those changes of `pending` that are `kept`. `torn`: tears some of them; None: none."""
    content = bytearray(file.safe)
    for event, keep in zip(file.pending, kept, strict=True):
        if not keep:
            continue
        if event.kind == "truncate":
            content.extend(bytes(max(0, event.offset - len(content))))
            del content[event.offset :]
        else:
            for start in range(0, len(event.data), SECTOR):
                if torn is None or torn.random() < 0.7:
                    _write(content, event.offset + start, event.data[start : start + SECTOR])
    return content


def _write(content: bytearray, offset: int, data: bytes) -> None:
    content.extend(bytes(max(0, offset + len(data) - len(content))))
    content[offset : offset + len(data)] = data


def _index_of_log(names: dict[str, _File], chance: random.Random) -> Content:
    found = {}
    for name in names:
        if name.endswith("-shm") and (kind := chance.randrange(3)):
            found[name] = bytes(32_768) if kind == 1 else chance.randbytes(32_768)
    return found
