"""Read a finished run: run.json, the lines of signals.jsonl as columns, and the alerts of events.jsonl."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.runs.run_folder import EVENTS, MAX_RUN_BYTES, PACKED_SIGNALS, RUN, SIGNALS
from driver_monitor.disk.regular_file import open_regular, read_regular
from driver_monitor.errors import RunError
from driver_monitor.messages import trace

LONGEST_LINE = 1_000_000
"""Most characters of a line; ours have about 1,500."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run in `folder`. `info`: the object of run.json. `name`: of the run in tables and pages."""

    folder: Path
    info: Mapping[str, Any]
    name: str

    @property
    def trace(self) -> Path | None:
        """The trace of the run, None if it has none."""
        path = self.folder / trace.NAME
        return path if path.is_file() else None

    @property
    def signals(self) -> Path:
        """The path of signals.jsonl, or of signals.jsonl.gz."""
        plain = self.folder / SIGNALS
        return plain if plain.exists() else self.folder / PACKED_SIGNALS

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the objects of signals.jsonl, or of signals.jsonl.gz. Raises `RunError`."""
        return _objects(self.signals)

    def raw_lines(self) -> Iterator[bytes]:
        """Yield the lines of signals.jsonl, not parsed, for a reader that needs few of their fields."""
        return _raw(self.signals)

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts of events.jsonl, in their order. Raises `RunError`."""
        return list(_objects(self.folder / EVENTS))

    def columns(self, names: Sequence[str]) -> dict[str, list[Any]]:
        """Return dotted name ("eyes.openness") -> its value in each frame; None where it is unknown or left out.

        Raises `RunError`.
        """
        paths = [name.split(".") for name in names]
        columns: list[list[Any]] = [[] for _ in names]
        for line in self.lines():
            for path, column in zip(paths, columns, strict=True):
                column.append(value_at(line, path))
        return dict(zip(names, columns, strict=True))


def value_at(line: Mapping[str, Any], path: Sequence[str]) -> Any:
    """Return the value at a path of keys in a line of signals.jsonl, None where an object on the way is missing."""
    value: Any = line
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def numbers(column: Iterable[float | bool | None]) -> Floats:
    """Return a column as (n,) floats, with NaN for None."""
    return np.array([np.nan if value is None else value for value in column], np.float64)


def read_run(path: Path) -> Run:
    """Return the run in a folder; `path` may also be a file of the run. Raises `RunError`: no complete run is there."""
    folder = path.parent if path.is_file() else path
    try:
        info = json.loads(read_regular(folder / RUN, MAX_RUN_BYTES))
        state, clip = info["state"], str(info["clip"])
    except OSError as error:
        raise RunError(f"{folder}: holds no run ({RUN}: {error.strerror}); give a folder that `replay` wrote") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise RunError(f"{folder / RUN}: not the {RUN} of a replay; give a folder that `replay` wrote") from None
    if state != "complete":
        raise RunError(f"{folder}: this run has not ended; replay {clip} again")
    return Run(folder, info, folder.resolve().name)


def find_runs(paths: Sequence[Path]) -> tuple[list[Run], list[str]]:
    """Return the runs in `paths` and in their subfolders, in order of path, and a line for each fault.

    A run that was found below a folder is named like its path below it, so that names differ. Hidden folders are left
    out.
    """
    runs: list[Run] = []
    faults: list[str] = []
    for path in paths:
        below = sorted(found.parent for found in path.rglob(RUN) if not _hidden(found.relative_to(path)))
        for folder in below or [path]:
            try:
                run = read_run(folder)
            except RunError as error:
                faults.append(str(error))
                continue
            name = run.name if folder == path else str(folder.relative_to(path))
            runs.append(Run(run.folder, run.info, name))
    return runs, faults


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_raw(path), 1):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise RunError(f"{path}:{number}: not a JSON object; replay the clip again")
        yield value


def _raw(path: Path) -> Iterator[bytes]:
    with (
        _shown(path),
        open(path, "rb", opener=open_regular) as plain,
        gzip.GzipFile(fileobj=plain) if path.suffix == ".gz" else plain as file,
    ):
        while line := file.readline(LONGEST_LINE):
            yield line


@contextmanager
def _shown(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise RunError(f"{path}: damaged; replay the clip again") from None
    except OSError as error:
        raise RunError(f"{path}: cannot read it: {error.strerror or error}; replay the clip again") from error
