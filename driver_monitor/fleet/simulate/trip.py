"""One trip of a simulated vehicle: alerts of the recording, as messages of the daemon's own envelope."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain

from driver_monitor.fleet.simulate.recording import drive
from driver_monitor.messages.envelope import LiveStamper, Provenance, ended_by_restart, envelope
from driver_monitor.messages.wire import Message

MODELS, CONFIG, PROFILE = "simulated", "simulated", "fleet"
"""What alerts of simulated vehicles name as hashes of nets and configuration, and as their profile."""
ATTENTION = {"microsleep": "asleep", "sleep": "asleep", "drowsiness": "drowsy", "long_distraction": "distracted"}
"""What the rules of the recording imply (rules/profiles/default.yaml)."""
SEVERITY = ("unknown", "attentive", "distracted", "drowsy", "asleep")
Wall = Callable[[], tuple[datetime, bool]]
"""Returns the time of the vehicle's clock, and whether it is synchronised."""


class Trip:
    """The alerts from one start of the daemon to its end.

    `left`: alerts that the last trip left active; this one ends them first, as the daemon does. `start`: monotonic
    seconds. `active`: the last message of each alert that is active now, by episode. `rules`: the same as names.
    `raised`: how many were raised.
    """

    def __init__(
        self,
        vehicle: str,
        chance: random.Random,
        next_seq: Callable[[], int],
        wall: Wall,
        start: float,
        boot: str,
        left: Iterable[Message] = (),
    ) -> None:
        self.id, self.boot, self.start = str(uuid.uuid4()), boot, start
        self.active: dict[str, Message] = {}
        self.raised = 0
        self._stamper = LiveStamper(next_seq, wall, self.id, boot)
        self._origin = Provenance(vehicle, MODELS, CONFIG, PROFILE)
        self._now = start
        self._messages = chain(self._end(left), self._drive(chance))

    def status(self, now: float) -> Message:
        """Return what of `status/` the operator is told, at `now`."""
        worst = max((ATTENTION.get(rule, "unknown") for rule in self.rules), key=SEVERITY.index, default="attentive")
        return {
            "uptime_s": round(now - self.start, 1),
            "camera": {"state": "ok"},
            "attention": worst,
            "degraded": None,
            "active": self.rules,
            "alerts": self.raised,
            "config_fault": None,
            "versions": {"driver_monitor": "simulated", "models": MODELS, "config": CONFIG, "profile": PROFILE},
        }

    @property
    def rules(self) -> list[str]:
        """The rules whose alerts are active."""
        return sorted({str(message["rule"]) for message in self.active.values()})

    def next(self, now: float) -> Message | None:
        """Return the next alert, at `now`, monotonic seconds; None: the trip is over."""
        self._now = now
        message = next(self._messages, None)
        if message is not None:
            self.active[message["episode"]] = message
            self.raised += message["phase"] == "raised"
            if message["phase"] == "cleared":
                del self.active[message["episode"]]
        return message

    def _end(self, left: Iterable[Message]) -> Iterator[Message]:
        for alert in left:
            stamp = self._stamper.stamp_episode(str(alert["episode"]), False, self._now)
            yield ended_by_restart(alert, stamp)

    def _drive(self, chance: random.Random) -> Iterator[Message]:
        for event in drive(chance):
            now = replace(event, t=self._now - self.start)
            yield envelope(now, self._stamper.stamp(now, self._now), self._origin)
