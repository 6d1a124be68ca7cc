"""Compares two runs or two folders of runs, and gives the result as a JSON object."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from driver_monitor import PROGRAM
from driver_monitor.bench.compare.episodes import KINDS, MOVED_S
from driver_monitor.bench.compare.figures import PairedFigure, ScorePair, paired_figures
from driver_monitor.bench.compare.frames import SIGNALS
from driver_monitor.bench.compare.pairs import Pairing, RunPair, SettingValues, pair, settings
from driver_monitor.bench.compare.run_pair import (
    MEANINGS,
    WORSE,
    JudgedDifference,
    PairDifference,
    compare_pair,
)
from driver_monitor.bench.labelled.label_files import needed_labels
from driver_monitor.bench.labelled.names import name_of_run
from driver_monitor.bench.runs.read_run import find_runs
from driver_monitor.bench.score.alerts import AlertScore
from driver_monitor.bench.score.clip import ClipScore
from driver_monitor.bench.score.intervals import rounded
from driver_monitor.errors import DriverMonitorError, RunError
from driver_monitor.messages.envelope import SCHEMA

KIND = f"{PROGRAM} compare"
"""The value of `kind` in the JSON object."""
ALL_MEANINGS = tuple(MEANINGS.values())
OnPair = Callable[[Sequence[RunPair]], Iterable[RunPair]]
"""Gets all pairs and yields them, to show how far a comparison is."""


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """The alerts of one rule: number in `a` and in `b`, and of the differences by kind and, with labels, by meaning.

    `shift_s`: median of B - A over the moved ones; None: none is moved.
    """

    rule: str
    a: int
    b: int
    kinds: Mapping[str, int]
    meanings: Mapping[str, int]
    shift_s: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the counts as a JSON object."""
        kinds, meanings = (
            {key.replace(" ", "_").lower(): n for key, n in of.items()} for of in (self.kinds, self.meanings)
        )
        return {"rule": self.rule, "a": self.a, "b": self.b, **kinds, "by_labels": meanings, "shift_s": self.shift_s}


def _of_rule(rule: str, a: int, b: int, differences: Sequence[JudgedDifference]) -> RuleDifference:
    kinds = Counter[str](one.alert.kind for one in differences)
    meanings = Counter[str](one.meaning for one in differences if one.meaning is not None)
    shifts = [one.alert.moved_s for one in differences if one.alert.kind == "moved" and one.alert.moved_s is not None]
    shift = round(statistics.median(shifts), 3) if shifts else None
    return RuleDifference(
        rule, a, b, {kind: kinds[kind] for kind in KINDS}, {one: meanings[one] for one in ALL_MEANINGS}, shift
    )


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two sides, A and B, and all that differs. `pairs`: those that differ most come first. `faults`: a line each.

    `moved_s`: from which time on an alert counts as moved. `figures`: empty without labels.
    """

    a: Path
    b: Path
    moved_s: float
    settings: tuple[SettingValues, ...]
    pairs: tuple[PairDifference, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    figures: tuple[PairedFigure, ...]
    faults: tuple[str, ...]

    @property
    def different(self) -> tuple[PairDifference, ...]:
        """The pairs that differ, those that differ most first."""
        return tuple(one for one in self.pairs if not one.same)

    @property
    def same(self) -> bool | None:
        """Whether nothing differs, neither in the runs nor in what they were made with.

        None: nobody knows, because no pair could be compared, or because there are faults and no difference is found.
        """
        if not self.pairs:
            return None
        if self.different or self.only_a or self.only_b or any(one.differs for one in self.settings):
            return False
        return None if self.faults else True

    @property
    def labelled(self) -> tuple[PairDifference, ...]:
        """The pairs with labels."""
        return tuple(one for one in self.pairs if one.scores is not None)

    @property
    def by_rule(self) -> tuple[RuleDifference, ...]:
        """The differences between the alerts of each rule, in order of rule."""
        found = [(one.alert.episode.rule, one) for pair in self.pairs for one in pair.alerts]
        counts = [Counter[str](), Counter[str]()]
        for compared in self.pairs:
            for count, episodes in zip(counts, compared.episodes, strict=True):
                count.update(episodes)
        grouped: dict[str, list[JudgedDifference]] = {rule: [] for rule in sorted(counts[0] | counts[1])}
        for rule, one in found:
            grouped[rule].append(one)
        return tuple(_of_rule(rule, counts[0][rule], counts[1][rule], ones) for rule, ones in grouped.items())

    @property
    def alerts(self) -> int:
        """The number of differences between alerts."""
        return sum(len(one.alerts) for one in self.pairs)

    @property
    def worse(self) -> int:
        """The number of alerts that B raises wrongly or misses, and A does not, by the labels."""
        return sum(one.meaning in WORSE for pair in self.pairs for one in pair.alerts)

    def frames(self, signal: str) -> tuple[int, int, float]:
        """Return of a compared field: common frames of all pairs, of these those that differ, and their seconds."""
        found = [one.signals[signal] for one in self.pairs]
        return (
            sum(one.frames for one in found),
            sum(one.different for one in found),
            round(sum(one.seconds for one in found), 3),
        )


def compare_runs(
    a: Path, b: Path, labels: Path | None = None, moved_s: float = MOVED_S, on_pair: OnPair | None = None
) -> RunComparison:
    """Compare the runs in `a` with those in `b`, one pair after the other.

    Raises `RunError`: a side has no run, or no run of one belongs to one of the other; `LabelError`: no labels.
    """
    pairing, faults = _paired(a, b)
    known = None if labels is None else needed_labels([labels])
    faults += [] if known is None else known.faults
    compared: list[PairDifference] = []
    used: list[RunPair] = []
    for one in on_pair(pairing.pairs) if on_pair else pairing.pairs:
        try:
            found = compare_pair(one, moved_s, None if known is None else known.of(name_of_run(one.b)))
            compared.append(found)
            used.append(one)
            faults += [] if found.unscored is None else [found.unscored]
        except DriverMonitorError as error:
            faults.append(str(error))
    scores: list[ScorePair] = [one.scores for one in compared if one.scores is not None]
    if known is not None and compared and all(one.scores is None and one.unscored is None for one in compared):
        faults.append(f"{labels}: no labels of these clips; a file is named like its clip, or names it in `clip`")
    return RunComparison(
        a,
        b,
        moved_s,
        settings(used),
        tuple(sorted(compared, key=lambda one: (tuple(-part for part in one.weight), one.name))),
        pairing.only_a,
        pairing.only_b,
        tuple(paired_figures(scores)),
        tuple(faults),
    )


def _paired(a: Path, b: Path) -> tuple[Pairing, list[str]]:
    sides, faults = [], []
    for side in (a, b):
        runs, wrong = find_runs([side])
        if not runs:
            raise RunError(wrong[0])
        sides.append(runs)
        faults += [fault for fault in wrong if fault not in faults]
    pairing = pair(*sides)
    if not pairing.pairs:
        raise RunError(f"{a}, {b}: no run of one is of a clip of the other, by content or name; give other folders")
    return pairing, faults


def to_json(found: RunComparison) -> dict[str, Any]:
    """Return a comparison as a JSON object. `clips` has the pairs that differ only."""
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "of": "runs",
        "a": str(found.a),
        "b": str(found.b),
        "same": found.same,
        "moved_s": found.moved_s,
        "pairs": len(found.pairs),
        "labelled": len(found.labelled),
        "only_in_a": list(found.only_a),
        "only_in_b": list(found.only_b),
        "settings": [{**asdict(one), "differs": one.differs} for one in found.settings],
        "alerts": [one.to_json() for one in found.by_rule],
        "frames": {
            name: dict(zip(("common", "different", "seconds"), found.frames(name), strict=True)) for name in SIGNALS
        },
        "scores": [one.to_json() for one in found.figures],
        "clips": [_clip(one) for one in found.different],
        "faults": list(found.faults),
    }


def _clip(one: PairDifference) -> dict[str, Any]:
    return {
        "name": one.name,
        "clip": one.clip,
        "a": str(one.a),
        "b": str(one.b),
        "notes": list(one.notes),
        "alerts": [alert.to_json() for alert in one.alerts],
        "signals": {name: signal.to_json() for name, signal in one.signals.items()},
        "scores": None if one.scores is None else scores_of_clip(one.scores),
    }


def scores_of_clip(scores: ScorePair) -> dict[str, Any]:
    """Return the main scores of one clip in A and in B as a JSON object."""
    a, b = (
        {name: score.ratio(name) for name in ("frame_f1", "event_f1")} | alert_sums(score).to_json() for score in scores
    )
    return dict(rounded({"person": scores[1].person, "seconds": scores[1].seconds, "a": a, "b": b}))


def alert_sums(score: ClipScore) -> AlertScore:
    """Return the counts of alerts of a clip over all scored rules."""
    columns = zip(*(astuple(alert) for alert in score.alerts.values()), strict=True)
    return AlertScore(*map(sum, columns)) if score.alerts else AlertScore(0, 0, 0, 0, 0)
