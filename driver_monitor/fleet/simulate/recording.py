"""The alerts of one recorded drive, which simulated vehicles repeat. `tools.fleet.record` writes them."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from driver_monitor.data.alert import AlertEvent, Evidence

FILE = Path(__file__).parent / "recording.jsonl"
"""The alerts of the bundled clip with the profile `fleet`, one step of an alert in each line."""
MOST_EPISODES = 12
"""Most alerts of one simulated trip, from raised to cleared (ours)."""
Episode = tuple[AlertEvent, ...]
"""The steps of one alert in their order. The last one is not `cleared` if the recording ends before."""


@functools.cache
def episodes() -> tuple[Episode, ...]:
    """Return the recorded alerts."""
    found: dict[int, list[AlertEvent]] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        step = json.loads(line)
        event = AlertEvent(**{**step, "evidence": Evidence(**step["evidence"])})
        found.setdefault(event.episode, []).append(event)
    return tuple(map(tuple, found.values()))


def drive(chance: random.Random) -> Iterator[AlertEvent]:
    """Yield the alerts of one trip: recorded episodes, as many and in such an order as `chance` says.

    `t` of each is that of the recording: whoever sends it knows the time of the trip.
    """
    for number in range(chance.randint(1, MOST_EPISODES)):
        for event in chance.choice(episodes()):
            yield replace(event, episode=number)
