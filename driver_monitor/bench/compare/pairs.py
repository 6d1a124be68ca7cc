"""Which run of B belongs to which run of A, and which options and versions differ between them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from driver_monitor.bench.replays.job import RunFiles
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.runs.scored_rules import KEY

PER_CLIP = frozenset(
    {
        *("schema", "state", "program", "clip", "clip_id", "kind", "sha256", "vehicle_sha256", "frame_rate"),
        *("frame_rate_from", "frames", "seconds", "announced", "missing", "damaged", "alerts", "warnings", "files"),
        KEY,
    }
)
"""The keys of run.json that say something of the clip. All others say with what it was replayed."""
FILES = frozenset(field.name for field in fields(RunFiles))
"""Options that only say which files a run has."""
LONGEST_VALUE = 60
"""Characters of a value of run.json in tables."""


@dataclass(frozen=True, slots=True)
class RunPair:
    """Two runs of one clip. `notes`: why they may not be runs of the same recording; empty: they are."""

    a: Run
    b: Run
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the pair in tables: of the run in B, which is the one in question."""
        return self.b.name


@dataclass(frozen=True, slots=True)
class Pairing:
    """Runs of A and B, paired; and those that only one of the two has, by name."""

    pairs: tuple[RunPair, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettingValues:
    """One key of run.json with its values in A and in B, as JSON text, and the number of `pairs` that have these."""

    key: str
    a: str
    b: str
    pairs: int

    @property
    def differs(self) -> bool:
        """Whether A and B have different values."""
        return self.a != self.b


def pair(a: Sequence[Run], b: Sequence[Run]) -> Pairing:
    """Pair two lists of runs, in the order of B. One run on each side is a pair, whatever it is of.

    Else runs are paired by content and name, then by content (`sha256` of the clip) alone, then by name alone. Each run
    is in one pair at most.
    """
    if len(a) == len(b) == 1:
        return Pairing((_pair(a[0], b[0]),), (), ())
    left_a, left_b = dict(enumerate(a)), dict(enumerate(b))
    found: dict[int, RunPair] = {}
    for key in (_content_and_name, _content, _name):
        by_key: dict[Hashable, list[int]] = defaultdict(list)
        for index, run in left_a.items():
            by_key[key(run)].append(index)
        for index, run in list(left_b.items()):
            same = by_key.get(key(run))
            if same:
                found[index] = _pair(left_a.pop(same.pop(0)), left_b.pop(index))
    pairs = tuple(found[index] for index in sorted(found))
    return Pairing(pairs, tuple(run.name for run in left_a.values()), tuple(run.name for run in left_b.values()))


def _content_and_name(run: Run) -> Hashable:
    return _content(run), run.name


def _content(run: Run) -> Hashable:
    sha256 = run.info.get("sha256")
    return sha256 if isinstance(sha256, str) else run.folder  # Without one, it is equal to itself only.


def _name(run: Run) -> Hashable:
    return run.name


def _pair(a: Run, b: Run) -> RunPair:
    notes = []
    if a.info.get("sha256") != b.info.get("sha256"):
        notes.append(f"not the same recording: A is of {a.info['clip']}, B of {b.info['clip']}, with other contents")
    if a.info.get("vehicle_sha256") != b.info.get("vehicle_sha256"):
        notes.append("the vehicle data beside the clip differ")
    if a.info.get("frame_rate") != b.info.get("frame_rate"):
        notes.append(f"frame rates differ: {a.info.get('frame_rate')} and {b.info.get('frame_rate')} a second")
    return RunPair(a, b, tuple(notes))


def settings(pairs: Iterable[RunPair]) -> tuple[SettingValues, ...]:
    """Return each key of run.json that says with what a clip was replayed, with the values of A and B.

    In the order of run.json. The values that most pairs have come first.
    """
    counts: dict[str, Counter[tuple[str, str]]] = {}
    for one in pairs:
        for key in dict.fromkeys((*one.a.info, *one.b.info)):
            if key not in PER_CLIP and key not in FILES:
                counts.setdefault(key, Counter())[_text(one.a, key), _text(one.b, key)] += 1
    return tuple(
        SettingValues(key, *values, count) for key, seen in counts.items() for values, count in seen.most_common()
    )


def _text(run: Run, key: str) -> str:
    if key not in run.info:
        return "-"
    value: Any = run.info[key]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
