"""Compares two results of `score clips --json`, clip by clip and person by person."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from driver_monitor.bench.compare import table
from driver_monitor.bench.compare.comparison import KIND, scores_of_clip
from driver_monitor.bench.compare.figures import CHANGES, PairedFigure, ScorePair, paired_figures
from driver_monitor.bench.compare.json_files import ComparedSide
from driver_monitor.bench.compare.pairs import SettingValues
from driver_monitor.bench.files import first_fault
from driver_monitor.bench.score.clip import ClipScore, from_json
from driver_monitor.errors import RunError
from driver_monitor.messages.envelope import SCHEMA

SETTINGS = ("model", "config", "profile", "every")
ScoredClips = dict[tuple[str, str], ClipScore]
"""Clip and person -> scores."""


@dataclass(frozen=True, slots=True)
class ScoreComparison:
    """Two results of `score clips`. `pairs`: scores of A and B of the clips in both, those that differ most first."""

    a: ComparedSide
    b: ComparedSide
    settings: tuple[SettingValues, ...]
    pairs: tuple[ScorePair, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    figures: tuple[PairedFigure, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        apart = self.only_a or self.only_b or any(one.differs for one in self.settings)
        return not apart and all(a == b for a, b in self.pairs)

    @property
    def worse(self) -> int:
        """The number of alerts, by clip and rule, that B has falsely or misses, and A does not."""
        return sum(worse_alerts(*one) for one in self.pairs)


def compare_scores(a: ComparedSide, b: ComparedSide) -> ScoreComparison:
    """Compare two results. Raises `RunError`: a clip has not the fields of `score clips`, or no clip is in both."""
    mine, theirs = _clips(a), _clips(b)
    pairs = [(mine[key], theirs[key]) for key in theirs if key in mine]
    if not pairs:
        raise RunError(f"{a.path}, {b.path}: no clip of one is in the other, by name and person; give other files")
    values = ((key, *(str(side.values.get(key, table.NONE)) for side in (a, b))) for key in SETTINGS)
    return ScoreComparison(
        a,
        b,
        tuple(SettingValues(key, one, other, len(pairs)) for key, one, other in values),
        tuple(sorted(pairs, key=lambda both: (-worse_alerts(*both), -_apart(*both), both[1].clip))),
        tuple(clip for clip, person in mine if (clip, person) not in theirs),
        tuple(clip for clip, person in theirs if (clip, person) not in mine),
        tuple(paired_figures(pairs)),
    )


def _clips(side: ComparedSide) -> ScoredClips:
    found: ScoredClips = {}
    for index, values in enumerate(side.values["clips"]):
        try:
            score = from_json(values)
        except ValidationError as error:
            raise RunError(f"{side.path}: clips[{index}]: {first_fault(error)}; score the clips again") from None
        except (KeyError, TypeError):
            raise RunError(f"{side.path}: clips[{index}]: not a clip of score clips; score the clips again") from None
        found[score.clip, score.person] = score
    return found


def worse_alerts(a: ClipScore, b: ClipScore) -> int:
    """Return how many more alerts of the rules in both are false in B, and how many fewer are in time."""
    both = [(a.alerts[rule], b.alerts[rule]) for rule in a.alerts if rule in b.alerts]
    return sum(max(0, new.false - old.false) + max(0, old.in_time - new.in_time) for old, new in both)


def _apart(a: ClipScore, b: ClipScore) -> float:
    old, new = a.ratio("frame_f1"), b.ratio("frame_f1")
    return abs(new - old) if old is not None and new is not None else 0.0


def to_json(found: ScoreComparison) -> dict[str, Any]:
    """Return the comparison as a JSON object. `clips` has those that differ only."""
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "of": "scores",
        "a": str(found.a.path),
        "b": str(found.b.path),
        "same": found.same,
        "pairs": len(found.pairs),
        "only_in_a": list(found.only_a),
        "only_in_b": list(found.only_b),
        "settings": [{**asdict(one), "differs": one.differs} for one in found.settings],
        "scores": [one.to_json() for one in found.figures],
        "clips": [{"clip": both[1].clip, **scores_of_clip(both)} for both in found.pairs if both[0] != both[1]],
    }


def show(found: ScoreComparison, console: Console) -> None:
    """Print what differs: settings, figures with their intervals, clips."""
    lines = list(_header(found))
    for line in lines:
        console.print(table.escaped(line), highlight=False, soft_wrap=True)
    if found.same:
        return
    console.print(table.figures_table(found.figures))
    for line in table.rule_notes(found.pairs):
        console.print(table.escaped(line), highlight=False, soft_wrap=True)
    for change in dict.fromkeys(one.change for one in found.figures):
        console.print(f"  {change}: {CHANGES[change]}", highlight=False, soft_wrap=True)
    console.print(table.scored_clips([both for both in found.pairs if both[0] != both[1]]))


def _header(found: ScoreComparison) -> list[str]:
    if found.same:
        return [f"nothing differs: {len(found.pairs)} clips with the same scores"]
    lines = [f"A {found.a.path}, B {found.b.path}: {len(found.pairs)} clips in both"]
    lines += [f"differs: {one.key} {one.a} -> {one.b}" for one in found.settings if one.differs]
    for side, names in (("A", found.only_a), ("B", found.only_b)):
        lines += [f"only in {side}: {table.listed(names)}"] if names else []
    return lines
