"""What simulated vehicles have done: counts, and times from an alert to the operator's answer."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

STEP = 1.02
"""Ratio of neighbouring bins of the times: a percentile is exact to 2 % (ours)."""
SHORTEST_S = 0.0001
"""Lower end of the first bin."""


class Times:
    """Times in seconds, kept as counts in bins, so that memory does not grow in a run of days."""

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Count one time."""
        self._bins[max(0, math.ceil(math.log(max(seconds, SHORTEST_S) / SHORTEST_S, STEP)))] += 1

    def percentile(self, share: float) -> float | None:
        """Return the time that `share` of all times do not exceed; None: there are none."""
        left = math.ceil(share * self._bins.total())
        for number in sorted(self._bins):
            left -= self._bins[number]
            if left <= 0:
                return round(SHORTEST_S * STEP**number, 6)
        return None


@dataclass(slots=True)
class Account:
    """Counts of a run. `alerts`: put into spools. `sent`: messages given to brokers. `resent`: of these, sent before.

    `confirmed`: stored, says the operator. `waiting`: in spools now. `connections`, `refused`: those that a broker
    accepted, and that it did not. `power_cuts`, `trips`, `offline`: how often vehicles lost power, set out, and lost
    the network. `missing`: numbers that power cuts skipped. `latency`: from the spool to the operator's answer, of
    alerts of connected vehicles.
    """

    vehicles: int = 0
    connected: int = 0
    alerts: int = 0
    sent: int = 0
    resent: int = 0
    confirmed: int = 0
    waiting: int = 0
    connections: int = 0
    refused: int = 0
    trips: int = 0
    offline: int = 0
    power_cuts: int = 0
    missing: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    memory_mb: float = 0.0
    latency: Times = field(default_factory=Times)

    def to_json(self) -> dict[str, Any]:
        """Return the account as a JSON object; times are in seconds, null without an answer."""
        counts = {name: getattr(self, name) for name in self.__slots__ if name != "latency"}
        rounded = {name: round(value, 1) if isinstance(value, float) else value for name, value in counts.items()}
        return {
            **rounded,
            "latency_p50_s": self.latency.percentile(0.5),
            "latency_p99_s": self.latency.percentile(0.99),
        }

    def line(self) -> str:
        """Return the account as one line for people."""
        p50, p99 = (self.latency.percentile(share) for share in (0.5, 0.99))
        times = "" if p50 is None or p99 is None else f"; from alert to answer p50 {p50:.3f} s, p99 {p99:.3f} s"
        return (
            f"{self.seconds:.0f} s: {self.connected} of {self.vehicles} vehicles connected; {self.alerts} alerts,"
            f" {self.confirmed} confirmed, {self.waiting} waiting, {self.resent} sent again{times}"
        )
