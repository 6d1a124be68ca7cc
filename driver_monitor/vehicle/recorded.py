"""What the car said during a recorded clip: a file of JSON lines beside it."""

from __future__ import annotations

from pathlib import Path

from driver_monitor.data.observation import VehicleData
from driver_monitor.errors import SourceError
from driver_monitor.vehicle.source import (
    LatestReport,
    NoVehicle,
    VehicleSource,
    parse,
)

SUFFIX = ".vehicle.jsonl"
MAX_BYTES = 100_000_000
"""A line ten times a second for a week."""


class RecordedVehicle:
    """Plays `path`: one object a line with `t`, seconds since the clip's first frame, never less than the line before.

    Raises `SourceError` naming file and line.
    """

    def __init__(self, path: Path) -> None:
        self._said = _read(path)
        self._next = 0
        self._word = LatestReport()

    def at(self, t: float) -> VehicleData:
        """Return what had been said by `t`, seconds since the clip's first frame."""
        while self._next < len(self._said) and self._said[self._next][0] <= t + 1e-6:
            self._word.take(*self._said[self._next])
            self._next += 1
        return self._word.at(t)

    def counters(self) -> dict[str, int]:
        """Return no counts: a file is right or refused whole."""
        return {}

    def close(self) -> None:
        """Do nothing."""


def beside(clip: Path) -> Path:
    """Return where the file of `clip` would lie: `trip.mp4` has `trip.vehicle.jsonl`."""
    return clip.with_name((clip.name if clip.is_dir() else clip.stem) + SUFFIX)


def open_recorded(clip: Path) -> VehicleSource:
    """Return what the car said during `clip`; nothing where there is no file. Raises `SourceError`."""
    path = beside(clip)
    return RecordedVehicle(path) if path.exists() else NoVehicle()


def _read(path: Path) -> list[tuple[float, VehicleData]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SourceError(f"{path}: more than {MAX_BYTES} bytes; cut it to the length of the clip")
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise SourceError(f"{path}: cannot read it: {error.strerror}; check its permissions or remove it") from error
    said: list[tuple[float, VehicleData]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            vehicle, t = parse(line)
        except ValueError as error:
            raise SourceError(f"{path}:{number}: {error}") from None
        if t is None:
            raise SourceError(f"{path}:{number}: t: missing; each line needs the seconds since the clip's first frame")
        if said and t < said[-1][0]:
            raise SourceError(f"{path}:{number}: t: {t:g} is before the {said[-1][0]:g} of the line before; sort them")
        said.append((t, vehicle))
    return said
