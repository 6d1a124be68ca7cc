"""What a collector has done and how it is, for the log, the metrics and tests."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

LATENCY_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0, 86400.0)
"""Upper limits of the histogram of latencies, seconds (ours): from a good network to a car that was away for a day."""


@dataclass(slots=True)
class CollectorCounts:
    """Counted since the start. `connected`: to the broker. `store_down`: the store does not answer at present.

    `stored`: new alerts. `duplicates`: alerts that were stored before. `dead`: dead letters by the first word of their
    reason. `told`: ids of which the vehicles were told. `latency`: new alerts by the time from the car's clock to the
    row, one bucket for each limit of `LATENCY_S` and one for more; clocks that are ahead count as 0.
    """

    connected: bool = False
    store_down: bool = False
    stored: int = 0
    duplicates: int = 0
    batches: int = 0
    messages: int = 0
    told: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    latency: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_S) + 1))
    latency_sum_s: float = 0.0

    def dead_letter(self, reason: str) -> None:
        """Count a dead letter."""
        self.dead[reason.partition(":")[0]] += 1

    def new_alert(self, latency_s: float) -> None:
        """Count a new row."""
        self.stored += 1
        self.latency[bisect_left(LATENCY_S, latency_s)] += 1
        self.latency_sum_s += max(0.0, latency_s)
