"""Alerts of two runs, paired one to one: only in one of them, moved, at another level, by another rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from driver_monitor.bench.explain import RecordedAlert
from driver_monitor.bench.files import first_fault
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.runs.run_folder import EVENTS
from driver_monitor.data.alert import LEVELS, Level
from driver_monitor.errors import RunError

PAIR_S = 2.0
"""Two alerts of one rule are the same if they are raised at most this far apart. Ours: less than the time between two
closures or looks away that each lead to an alert, more than the limits of two profiles differ (1 and 1.5 s)."""
MOVED_S = 0.5
"""An alert counts as moved from this on: as late as an alert may come in the scores (`score.alerts.LATE_S`)."""
Kind = Literal["only in A", "only in B", "other rule", "other level", "moved"]
KINDS: tuple[Kind, ...] = ("only in A", "only in B", "other rule", "other level", "moved")
"""All kinds of differences, the gravest first."""


@dataclass(frozen=True, slots=True)
class AlertEpisode:
    """One alert from raised to cleared. `levels`: when raised, then by each escalation. `window_s`: what it rests on.

    `first`: whether its first message is here as "raised"; else `t` is the time of the first message that is here.
    `times`: of each of `levels`; empty: all at `t`.
    """

    rule: str
    t: float
    levels: tuple[Level, ...]
    message: str
    window_s: float
    first: bool = True
    times: tuple[float, ...] = ()

    @property
    def told(self) -> tuple[tuple[float, Level], ...]:
        """When the driver is told, and at which level: raised, then each escalation."""
        return tuple(zip(self.times or (self.t,) * len(self.levels), self.levels, strict=True))

    @property
    def worst(self) -> Level:
        """The worst level."""
        return max(self.levels, key=LEVELS.index)

    def to_json(self) -> dict[str, Any]:
        """Return the episode as a JSON object."""
        return {"rule": self.rule, "t": self.t, "levels": list(self.levels), "message": self.message}


@dataclass(frozen=True, slots=True)
class AlertDifference:
    """One difference. `a`, `b`: the episode in A and in B, None where it is missing."""

    kind: Kind
    a: AlertEpisode | None
    b: AlertEpisode | None

    @property
    def episode(self) -> AlertEpisode:
        """The episode of B, or that of A where B has none."""
        episode = self.b or self.a
        assert episode is not None
        return episode

    @property
    def moved_s(self) -> float | None:
        """How much later the alert of B is raised; None: one is missing."""
        return None if self.a is None or self.b is None else round(self.b.t - self.a.t, 3)


def episodes_of(run: Run) -> list[AlertEpisode]:
    """Return the episodes of a run, in the order in which they begin. Raises `RunError`: a line is not an alert."""
    found: dict[str, list[RecordedAlert]] = {}
    for number, line in enumerate(run.alerts(), 1):
        try:
            alert = RecordedAlert.model_validate(line)
        except ValidationError as error:
            reason = first_fault(error)
            raise RunError(f"{run.folder / EVENTS}:{number}: not an alert: {reason}; replay the clip again") from None
        found.setdefault(alert.episode, []).append(alert)
    return [_episode(alerts) for alerts in found.values()]


def _episode(alerts: list[RecordedAlert]) -> AlertEpisode:
    first, window = alerts[0], 0.0
    for alert in alerts:
        limits = alert.evidence.threshold.items()
        times = {name: value for name, value in limits if name.endswith("_s") and isinstance(value, float)}
        waited = times.pop("for_s", 0.0)
        window = max(window, alert.evidence.window_s or 0.0, max(times.values(), default=0.0) + waited)
    told = [alert for alert in alerts if alert.phase != "cleared"] or [first]
    levels, told_at = tuple(alert.level for alert in told), tuple(alert.t for alert in told)
    return AlertEpisode(first.rule, first.t, levels, first.message, window, first.phase == "raised", told_at)


def told_by(episode: AlertEpisode, others: Sequence[AlertEpisode]) -> str:
    """Return which of `others` tells the driver the same, such as `microsleep (critical)`; empty: none.

    Each level of `episode` is told by an alert of at least that level, at most `MOVED_S` earlier or later.
    """
    name = ""
    for t, level in episode.told:
        for other in others:
            levels = [found for at, found in other.told if abs(at - t) <= MOVED_S + 1e-9]
            enough = [found for found in levels if LEVELS.index(found) >= LEVELS.index(level)]
            if enough:
                name = f"{other.rule} ({max(enough, key=LEVELS.index)})"
                break
        else:
            return ""
    return name


def differences(
    a: Sequence[AlertEpisode], b: Sequence[AlertEpisode], moved_s: float = MOVED_S
) -> list[AlertDifference]:
    """Return the differences between the alerts of two runs of one clip, in order of time.

    Alerts of one rule are paired one to one, at most `PAIR_S` apart, or `moved_s` if that is more: as many as possible,
    and of these ways the one with the smallest sum of distances. What is left is paired in the same way without regard
    to the rule ("other rule"). `moved_s`: a pair that is further apart is "moved".
    """
    reach = max(PAIR_S, moved_s)
    same, left_a, left_b = _paired(a, b, reach, lambda one: one.rule)
    other, only_a, only_b = _paired(left_a, left_b, reach, lambda _: "")
    found = [AlertDifference("only in A", one, None) for one in only_a]
    found += [AlertDifference("only in B", None, one) for one in only_b]
    found += [AlertDifference("other rule", *one) for one in other]
    for one in same:
        if one[0].levels != one[1].levels:
            found.append(AlertDifference("other level", *one))
        elif abs(one[1].t - one[0].t) > moved_s + 1e-9:
            found.append(AlertDifference("moved", *one))
    return sorted(found, key=lambda one: (one.episode.t, KINDS.index(one.kind), one.episode.rule))


Pairs = list[tuple[AlertEpisode, AlertEpisode]]


def _paired(
    a: Sequence[AlertEpisode], b: Sequence[AlertEpisode], reach: float, key: Callable[[AlertEpisode], str]
) -> tuple[Pairs, list[AlertEpisode], list[AlertEpisode]]:
    """Return the pairs of equal `key`, and what is left of `a` and of `b`."""
    pairs: Pairs = []
    for name in dict.fromkeys(map(key, (*a, *b))):
        mine, theirs = (sorted((one for one in side if key(one) == name), key=lambda one: one.t) for side in (a, b))
        for some, others in _clusters(mine, theirs, reach):
            matched = match([one.t for one in some], [one.t for one in others], reach)
            pairs += [(some[i], others[j]) for i, j in matched]
    taken = {id(one) for both in pairs for one in both}
    return pairs, [one for one in a if id(one) not in taken], [one for one in b if id(one) not in taken]


def _clusters(
    a: Sequence[AlertEpisode], b: Sequence[AlertEpisode], reach: float
) -> Iterator[tuple[list[AlertEpisode], list[AlertEpisode]]]:
    """Split two sorted lists where nothing is within `reach`: pairs never lie across such a gap."""
    cluster: tuple[list[AlertEpisode], list[AlertEpisode]] = ([], [])
    last = 0.0
    for one, side in sorted([(x, 0) for x in a] + [(x, 1) for x in b], key=lambda both: both[0].t):
        if one.t - last > reach and (cluster[0] or cluster[1]):
            yield cluster
            cluster = ([], [])
        cluster[side].append(one)
        last = one.t
    yield cluster


def match(a: Sequence[float], b: Sequence[float], reach: float) -> list[tuple[int, int]]:
    """Return pairs of indices into two sorted lists of times: most pairs within `reach`, with least summed distance.

    For such a sum, pairs that cross are never better than pairs in order, so that a table of the best result for each
    beginning of both lists finds the best one.
    """
    best = [[(0, 0.0)] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, one in enumerate(a, 1):
        for j, other in enumerate(b, 1):
            ways = [best[i - 1][j], best[i][j - 1]]
            if abs(one - other) <= reach + 1e-9:
                count, cost = best[i - 1][j - 1]
                ways.append((count + 1, cost - abs(one - other)))
            best[i][j] = max(ways)
    pairs: list[tuple[int, int]] = []
    i, j = len(a), len(b)
    while i and j:
        if best[i][j] == best[i - 1][j]:
            i -= 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]
