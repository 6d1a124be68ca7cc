"""All clips together: each figure with its 95 % interval. Ratios are drawn anew by person, counts are Poisson's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from driver_monitor.bench.score.clip import RATIOS, ClipScore, Share
from driver_monitor.bench.score.intervals import (
    Figure,
    Rate,
    bootstrap_ratio,
    poisson_rate,
)


@dataclass(frozen=True, slots=True)
class Pooled:
    """Scores over all clips. `hours`: of the clips; the rates are false ones an hour."""

    clips: int
    persons: int
    frames: int
    hours: float
    ratios: Mapping[str, Figure]
    rates: Mapping[str, Rate]
    counts: Mapping[str, int]
    face_worst: float | None
    found_again_s: float | None


def pool(scores: Sequence[ClipScore]) -> Pooled:
    """Return the scores over all clips."""
    persons = sorted({score.person for score in scores})
    hours = sum(score.seconds for score in scores) / 3600
    false = {
        "false_long_closures": sum(len(score.eyes.long) for score in scores),
        "false_yawns": sum(score.yawns.false for score in scores),
        **{f"false_{rule}": _sum(scores, rule, "false") for rule in _rules(scores)},
    }
    return Pooled(
        clips=len(scores),
        persons=len(persons),
        frames=sum(score.frames for score in scores),
        hours=hours,
        ratios={name: _figure(scores, persons, share) for name, share in RATIOS.items()},
        rates={name: poisson_rate(count, hours) for name, count in false.items()},
        counts=_counts(scores),
        face_worst=min((part for s in scores if (part := s.ratio("face_present")) is not None), default=None),
        found_again_s=max((s.face.found_again_s for s in scores if s.face.found_again_s is not None), default=None),
    )


def _figure(scores: Sequence[ClipScore], persons: Sequence[str], share: Share) -> Figure:
    over, under = np.zeros(len(persons)), np.zeros(len(persons))
    for score in scores:
        row = persons.index(score.person)
        above, below = share(score)
        over[row] += above
        under[row] += below
    return bootstrap_ratio(over, under)


def _counts(scores: Sequence[ClipScore]) -> dict[str, int]:
    counts = {
        "closures": sum(score.eyes.labelled for score in scores),
        "closures_found": sum(score.eyes.found for score in scores),
        "closures_false": sum(score.eyes.false for score in scores),
        "false_long_while_talking_or_laughing": sum(s.eyes.long_while["talking_or_laughing"] for s in scores),
        "false_long_while_eyes_lowered": sum(score.eyes.long_while["eyes_lowered"] for score in scores),
        "yawns": sum(score.yawns.labelled for score in scores),
        "yawns_found": sum(score.yawns.found for score in scores),
    }
    for rule in _rules(scores):
        counts |= {f"{rule}_{name}": _sum(scores, rule, name) for name in ("due", "in_time", "raised", "unscored")}
    return counts


def _rules(scores: Sequence[ClipScore]) -> list[str]:
    return list(scores[0].alarms) if scores else []


def _sum(scores: Sequence[ClipScore], rule: str, name: str) -> int:
    return sum(int(getattr(score.alarms[rule], name)) for score in scores)


def to_json(pooled: Pooled) -> dict[str, Any]:
    """Return the pooled scores as one JSON object; shares 0 to 1, `closed_share_error` in points, rates an hour."""
    return {
        "clips": pooled.clips,
        "persons": pooled.persons,
        "frames": pooled.frames,
        "hours": round(pooled.hours, 5),
        **{name: _rounded(asdict(figure)) for name, figure in pooled.ratios.items()},
        **{name: _rounded(asdict(rate)) for name, rate in pooled.rates.items()},
        **pooled.counts,
        "face_present_worst_clip": _round(pooled.face_worst),
        "found_again_s": _round(pooled.found_again_s),
        "intervals": "95 %: ratios by bootstrap over persons, counts and rates exact Poisson",
    }


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _round(value) if isinstance(value, float) else value for name, value in values.items()}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
