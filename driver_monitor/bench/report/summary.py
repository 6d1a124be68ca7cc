"""The numbers of a run in words: frames, seconds, alerts by rule, and what was unknown and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from driver_monitor.bench.report.columns import Columns
from driver_monitor.bench.report.episodes import Episode, by_rule
from driver_monitor.bench.report.unknown import PARTS


@dataclass(frozen=True, slots=True)
class Visibility:
    """How much of one part of the driver is known. `frames`: in which it is. `unknown`: cause -> number of frames."""

    frames: int
    unknown: Mapping[str, int]

    @property
    def share(self) -> float | None:
        """The share of frames in which it is known, 0 to 1. None: there are no frames."""
        every = self.frames + sum(self.unknown.values())
        return self.frames / every if every else None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """`seconds`: time of the last frame. `alerts`: rule -> episodes. `visible`: part -> how much is known."""

    frames: int
    seconds: float
    alerts: Mapping[str, int]
    visible: Mapping[str, Visibility]


def summarize(columns: Columns, episodes: Sequence[Episode]) -> RunSummary:
    """Return the summary of a run."""
    count = len(columns)
    causes = {part: columns.unknown[part].counts() if part in columns.unknown else {} for part in PARTS}
    return RunSummary(
        count,
        float(columns.t[-1]) if count else 0.0,
        by_rule(episodes),
        {part: Visibility(count - sum(counts.values()), counts) for part, counts in causes.items()},
    )


def percent(share: float | None) -> str:
    """Return a share in percent with one decimal. What is not all never reads as 100 %, nor what is some as 0 %."""
    if share is None:
        return "-"
    if 0 < share < 0.0005:
        return "< 0.1 %"
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    return f"{100 * share:.1f} %"


def duration(seconds: float) -> str:
    """Return seconds as `1 h 02 min 03 s`, `2 min 03.4 s` or `3.4 s`."""
    whole, tenths = divmod(round(seconds * 10), 10)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes:02} min {left:02} s"
    return f"{minutes} min {left:02}.{tenths} s" if minutes else f"{left}.{tenths} s"
