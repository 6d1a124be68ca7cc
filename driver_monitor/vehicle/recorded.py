"""Reads speed and ignition during a clip from a file of JSON lines in the same folder."""

from __future__ import annotations

import os
from pathlib import Path

from driver_monitor.data.observation import VehicleData
from driver_monitor.errors import SourceError
from driver_monitor.vehicle.source import LatestReport, NoVehicle, VehicleSource, parse

SUFFIX = ".vehicle.jsonl"
MAX_BYTES = 100_000_000
"""Largest file, in bytes: ten lines a second for a week."""


class RecordedVehicle(VehicleSource):
    """Gives the data in the file `path`. A line is a message (`parse`) with `t`: seconds since the clip's first frame.

    `t` must not decrease. Empty lines are ignored. Raises `SourceError` on an unreadable, too large or wrong file.
    """

    def __init__(self, path: Path) -> None:
        self._reports = _read(path)
        self._next = 0
        self._latest = LatestReport()

    def at(self, t: float) -> VehicleData:
        """Return the values valid at `t`, seconds since the clip's first frame, else None. `t` must never decrease."""
        while self._next < len(self._reports) and self._reports[self._next][0] <= t + 1e-6:
            self._latest.take(*self._reports[self._next])
            self._next += 1
        return self._latest.at(t)


def beside(clip: Path) -> Path:
    """Return where vehicle data of `clip` would lie: `trip.vehicle.jsonl` for `trip.mp4` or folder `trip`."""
    return clip.with_name((clip.name if clip.is_dir() else clip.stem) + SUFFIX)


def open_recorded(clip: Path) -> VehicleSource:
    """Return a source for the file `beside` `clip`, or `NoVehicle` without one. Raises `SourceError` on a bad file."""
    path = found_beside(clip)
    return NoVehicle() if path is None else RecordedVehicle(path)


def found_beside(clip: Path) -> Path | None:
    """Return the path `beside` `clip` if something is there. None: nothing, or the name would be too long."""
    path = beside(clip)
    try:
        return path if os.path.lexists(path) else None
    except OSError:
        return None


def _read(path: Path) -> list[tuple[float, VehicleData]]:
    try:
        if not path.is_file() and path.exists():
            raise SourceError(f"{path}: not a regular file; replace it by JSON lines or remove it")
        if path.stat().st_size > MAX_BYTES:
            raise SourceError(f"{path}: more than {MAX_BYTES} bytes; cut it to the length of the clip")
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise SourceError(f"{path}: cannot read it: {error.strerror}; check its permissions or remove it") from error
    reports: list[tuple[float, VehicleData]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            vehicle, t = parse(line)
        except ValueError as error:
            raise SourceError(f"{path}:{number}: {error}") from None
        if t is None:
            raise SourceError(f"{path}:{number}: t: missing; each line needs the seconds since the clip's first frame")
        if reports and t < reports[-1][0]:
            raise SourceError(f"{path}:{number}: t: {t:g} is less than {reports[-1][0]:g} in the line above; sort them")
        reports.append((t, vehicle))
    return reports
