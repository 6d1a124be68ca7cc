"""The series of a report: columns of signals.jsonl, checked, one value for each frame."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.report.unknown import PARTS, causes_of
from driver_monitor.bench.runs.read_run import Floats, Run
from driver_monitor.errors import RunError

NUMBERS = (
    *("frame", "t", "eyes.openness", "eyes.p_closed"),
    *("perclos.value", "perclos.low", "perclos.high", "perclos.coverage"),
    *("gaze.yaw", "gaze.pitch", "head.yaw", "head.pitch", "head.roll", "mouth.opening", "car.speed_kmh"),
    *("phone.at_ear_s", "hand.on_face_s", "mouth_object_s"),
)
"""The series of numbers, by their names in JSON (docs/signals.md)."""
WORDS = (
    *("face.present", "face.reason", "eyes.state", "eyes.reason", "gaze.zone", "gaze_reason", "mouth.yawning"),
    *("light", "degraded", "attention", "mask"),
)
"""The series of words, and of true and false."""
MOST_WORDS = 200
"""A series with more different words than this is none of ours."""


@dataclass(frozen=True, slots=True, eq=False)
class WordColumn:
    """A series of words. `codes`: (n,), 0 where unknown, else 1 + the index in `table`, which is in order of use."""

    codes: NDArray[np.uint32]
    table: tuple[str | bool, ...]

    def equals(self, word: str | bool) -> NDArray[np.bool_]:
        """Return (n,): true where the word is this one. True is not "True"."""
        codes = [index for index, one in enumerate(self.table, 1) if one == word and type(one) is type(word)]
        return np.asarray(np.isin(self.codes, codes), bool)

    def counts(self) -> dict[str, int]:
        """Return word -> number of frames, without the unknown ones. The most frequent word comes first."""
        frames = np.bincount(self.codes, minlength=len(self.table) + 1)[1:]
        counted = {str(word): int(count) for word, count in zip(self.table, frames, strict=True)}
        return dict(sorted(counted.items(), key=lambda item: -item[1]))


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The series of a run. `numbers`: (n,), NaN where unknown. `unknown`: why a part is unknown, 0 where it is known.

    The keys of `unknown` are those of `unknown.PARTS`.
    """

    numbers: Mapping[str, Floats]
    words: Mapping[str, WordColumn]
    unknown: Mapping[str, WordColumn]

    @property
    def t(self) -> Floats:
        """The time of each frame, seconds."""
        return self.numbers["t"]

    def __len__(self) -> int:
        return len(self.t)


class _Words:
    """Collects one series of words."""

    def __init__(self) -> None:
        self._codes, self._table = array("I"), dict[str | bool, int]()

    def add(self, word: str | bool | None) -> None:
        if word is None:
            self._codes.append(0)
            return
        self._codes.append(self._table.setdefault(word, len(self._table) + 1))
        if len(self._table) > MOST_WORDS:
            raise ValueError(f"more than {MOST_WORDS} different words")

    def column(self) -> WordColumn:
        return WordColumn(np.array(self._codes, np.uint32), tuple(self._table))


def read_columns(run: Run) -> Columns:
    """Read the series of a run, frame by frame. Raises `RunError`: unreadable, or a value is not what it should be."""
    numbers = {name: array("d") for name in NUMBERS}
    words = {name: _Words() for name in WORDS}
    unknown = {name: _Words() for name in PARTS}
    number_paths = [(*_path(name), numbers[name].append) for name in NUMBERS]
    word_paths = [(*_path(name), words[name].add) for name in WORDS]
    for line_number, line in enumerate(run.lines(), 1):
        try:
            for key, member, add_number in number_paths:
                add_number(_number(_value(line, key, member)))
            for key, member, add_word in word_paths:
                add_word(_word(_value(line, key, member)))
            for name, cause in causes_of(line).items():
                unknown[name].add(cause)
        except ValueError as error:
            raise RunError(f"{run.folder}: signals, line {line_number}: {error}; replay the clip again") from None
    columns = Columns(
        {name: np.array(column, np.float64) for name, column in numbers.items()},
        {name: column.column() for name, column in words.items()},
        {name: column.column() for name, column in unknown.items()},
    )
    _check_order(run, columns)
    return columns


def _path(name: str) -> tuple[str, str | None]:
    key, _, member = name.partition(".")
    return key, member or None


def _value(line: Mapping[str, Any], key: str, member: str | None) -> Any:
    value = line.get(key)
    if member is None or value is None:
        return value
    return value.get(member) if isinstance(value, dict) else None


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e15:
        raise ValueError(f"{str(value)[:30]!r} is not a number")
    return float(value)


def _word(value: Any) -> str | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, str) or len(value) > 1000:
        raise ValueError(f"{str(value)[:30]!r} is not a word")
    return value


def _check_order(run: Run, columns: Columns) -> None:
    for name in ("frame", "t"):
        values = columns.numbers[name]
        if np.isnan(values).any() or (np.diff(values) < 0).any():
            raise RunError(f"{run.folder}: signals: {name} is missing or goes back; replay the clip again")
