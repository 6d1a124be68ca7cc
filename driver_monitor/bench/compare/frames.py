"""Where two runs of one clip differ frame by frame: eyes, attention, gaze zone, face."""

from __future__ import annotations

import filecmp
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.compare.pairs import RunPair
from driver_monitor.bench.runs.frame_columns import FrameColumns, Words
from driver_monitor.bench.score.labels import runs
from driver_monitor.errors import RunError

SIGNALS = ("eyes.state", "attention", "gaze.zone", "face.present")
"""The compared fields of a line."""


@dataclass(frozen=True, slots=True)
class LongestStretch:
    """The longest run of common frames in which a signal differs: times of its first and last frame, in seconds of B.

    `a`, `b`: the two values that most of these frames have.
    """

    start: float
    end: float
    frames: int
    a: str
    b: str

    def to_json(self) -> dict[str, Any]:
        """Return the stretch as a JSON object."""
        return {"start": self.start, "end": self.end, "frames": self.frames, "a": self.a, "b": self.b}


@dataclass(frozen=True, slots=True)
class SignalDifference:
    """How a signal differs in the common frames of two runs.

    `frames`: common frames; `left_out`: frames that only one run has. `different`: common frames with another value.
    `seconds`: their time in B, each until the next common frame. `changes`: (value in A, value in B) -> frames.
    `longest`: None if none differs.
    """

    frames: int
    left_out: int = 0
    different: int = 0
    seconds: float = 0.0
    changes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    longest: LongestStretch | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the difference as a JSON object."""
        return {
            "frames": self.frames,
            "left_out": self.left_out,
            "different": self.different,
            "share": round(self.different / self.frames, 5) if self.frames else None,
            "seconds": self.seconds,
            "changes": [{"a": a, "b": b, "frames": count} for (a, b), count in self.changes.items()],
            "longest": None if self.longest is None else self.longest.to_json(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class CommonFrames:
    """The frames that both runs have. Row i of each column is the same frame in A and in B.

    `t`: seconds in B. `values`: field of `SIGNALS` -> its values in A and in B. `left_out`: frames that only one has.
    """

    left_out: int
    t: NDArray[np.float64]
    values: Mapping[str, tuple[Words, Words]]

    def differs(self, signal: str) -> NDArray[np.bool_]:
        """Return in which frames the field has another value in B."""
        a, b = self.values[signal]
        return np.asarray(a != b, bool)


def same_signals(pair: RunPair) -> bool:
    """Return whether both runs have the same bytes in signals.jsonl. Raises `RunError`."""
    try:
        return filecmp.cmp(pair.a.signals, pair.b.signals, shallow=False)
    except OSError as error:
        raise RunError(f"{error.filename}: cannot read it: {error.strerror}; replay the clip again") from error


def common_frames(a: FrameColumns, b: FrameColumns) -> CommonFrames:
    """Return the frames with a number that is in both runs: with other values of `--every`, the common multiples."""
    _, rows_a, rows_b = np.intersect1d(a.frame, b.frame, assume_unique=True, return_indices=True)
    mine, theirs = _values(a), _values(b)
    left_out = len(a) + len(b) - 2 * len(rows_a)
    return CommonFrames(left_out, b.t[rows_b], {name: (mine[name][rows_a], theirs[name][rows_b]) for name in SIGNALS})


def _values(columns: FrameColumns) -> Mapping[str, Words]:
    face = np.where(columns.face, "face", "no face")
    return dict(zip(SIGNALS, (columns.eyes, columns.attention, columns.zone, face), strict=True))


def signal_differences(common: CommonFrames) -> dict[str, SignalDifference]:
    """Return field of `SIGNALS` -> how it differs."""
    gaps = np.diff(common.t)
    # The last frame lasts as long as a usual one. A pause in the recording counts as one frame, too.
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    lengths = np.minimum(np.append(gaps, usual), 2 * usual)
    return {name: _difference(common, name, lengths) for name in SIGNALS}


def _difference(common: CommonFrames, name: str, lengths: NDArray[np.float64]) -> SignalDifference:
    other = common.differs(name)
    rows = np.flatnonzero(other)
    if not len(rows):
        return SignalDifference(len(other), common.left_out)
    a, b = (column[rows].tolist() for column in common.values[name])
    changes = Counter(zip(a, b, strict=True))
    seconds = round(float(lengths[rows].sum()), 3)
    usual = dict(changes.most_common())
    return SignalDifference(len(other), common.left_out, len(rows), seconds, usual, _longest(common, name))


def _longest(common: CommonFrames, name: str) -> LongestStretch:
    first, last = max(runs(common.differs(name)), key=lambda span: (span[1] - span[0], -span[0]))
    a, b = (column[first : last + 1].tolist() for column in common.values[name])
    usual = Counter(zip(a, b, strict=True)).most_common(1)[0][0]
    return LongestStretch(float(common.t[first]), float(common.t[last]), last - first + 1, *usual)
