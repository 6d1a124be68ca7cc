"""Pool the scores of all clips. 95 % intervals: ratios by bootstrap over persons, false events per hour by Poisson."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any

import numpy as np

from driver_monitor.bench.score.alerts import AlertScore
from driver_monitor.bench.score.clip import RATIOS, ClipScore, Share
from driver_monitor.bench.score.intervals import Figure, Rate, bootstrap_ratio, poisson_rate, rounded
from driver_monitor.bench.score.long_events import LongScore


@dataclass(frozen=True, slots=True)
class Pooled:
    """Scores over all clips. `hours`: length of all clips. `ratios`: figures of `RATIOS`. `alerts`: sums by rule.

    `rates`: false events per hour. `face_worst`: lowest `face_present`. `found_again_s`: longest. None: no clip has it.
    """

    clips: int
    persons: int
    frames: int
    hours: float
    ratios: Mapping[str, Figure]
    rates: Mapping[str, Rate]
    counts: Mapping[str, int]
    alerts: Mapping[str, AlertScore]
    face_worst: float | None
    found_again_s: float | None


def pool(scores: Sequence[ClipScore]) -> Pooled:
    """Return the scores over all clips. For the intervals of ratios, all clips of one person are one item."""
    persons = sorted({score.person for score in scores})
    hours = sum(score.seconds for score in scores) / 3600
    alerts = {rule: _sum([score.alerts[rule] for score in scores]) for rule in scores[0].alerts} if scores else {}
    false = {
        "false_long_closures": sum(len(score.eyes.long) for score in scores),
        "false_closure_alerts": sum(score.long_events.alerts_false for score in scores),
        "false_yawns": sum(score.yawns.false for score in scores),
        **{f"false_{rule}": alert.false for rule, alert in alerts.items()},
    }
    return Pooled(
        clips=len(scores),
        persons=len(persons),
        frames=sum(score.frames for score in scores),
        hours=hours,
        ratios={name: _figure(scores, persons, share) for name, share in RATIOS.items()},
        rates={name: poisson_rate(count, hours) for name, count in false.items()},
        counts=_counts(scores),
        alerts=alerts,
        face_worst=min((part for s in scores if (part := s.ratio("face_present")) is not None), default=None),
        found_again_s=max((s.face.found_again_s for s in scores if s.face.found_again_s is not None), default=None),
    )


def _figure(scores: Sequence[ClipScore], persons: Sequence[str], share: Share) -> Figure:
    sums = np.zeros((len(persons), 2))
    for score in scores:
        sums[persons.index(score.person)] += share(score)
    return bootstrap_ratio(*sums.T)


def _counts(scores: Sequence[ClipScore]) -> dict[str, int]:
    longs = [score.long_events.to_json() for score in scores]
    return {
        "closures": sum(score.eyes.labelled for score in scores),
        "closures_found": sum(score.eyes.found for score in scores),
        "closures_false": sum(score.eyes.false for score in scores),
        "false_long_while_talking_or_laughing": sum(s.eyes.long_while["talking_or_laughing"] for s in scores),
        "false_long_while_eyes_lowered": sum(score.eyes.long_while["eyes_lowered"] for score in scores),
        "yawns": sum(score.yawns.labelled for score in scores),
        "yawns_found": sum(score.yawns.found for score in scores),
        **{f"long_{name}": sum(long[name] for long in longs) for name in LongScore.__slots__},
    }


def _sum(scores: Sequence[AlertScore]) -> AlertScore:
    return AlertScore(*(sum(column) for column in zip(*map(astuple, scores), strict=True)))


def to_json(pooled: Pooled) -> dict[str, Any]:
    """Return the pooled scores as a JSON object: shares from 0 to 1, `closed_share_error` in percentage points."""
    values = {
        "clips": pooled.clips,
        "persons": pooled.persons,
        "frames": pooled.frames,
        "hours": pooled.hours,
        "minutes": pooled.hours * 60,
        **{name: asdict(figure) for name, figure in pooled.ratios.items()},
        **{name: asdict(rate) for name, rate in pooled.rates.items()},
        **pooled.counts,
        **{
            f"{rule}_{name}": value
            for rule, alert in pooled.alerts.items()
            for name, value in alert.to_json().items()
            if name != "false"
        },
        "face_present_worst_clip": pooled.face_worst,
        "found_again_s": pooled.found_again_s,
        "intervals": "95 %: ratios by bootstrap over persons, counts and rates exact Poisson",
    }
    return dict(rounded(values))
