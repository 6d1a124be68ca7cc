"""What `fleet watch` has to tell: it takes each message of the broker and says what is new. Pure: times come with it.

No sender is trusted. What the collector would not store is counted, told once, and never shown.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from driver_monitor.data.alert import LEVELS, Level
from driver_monitor.fleet.collect.parse import parse
from driver_monitor.fleet.look.patterns import matcher
from driver_monitor.fleet.store.rows import AlertRow, DeadLetter, VehicleOnline
from driver_monitor.mqtt import topics

MOST_IDS = 10_000
"""Latest ids that are remembered, so that no alert is shown twice (ours): more than all cars send again in a minute."""
MOST_VEHICLES = 100_000
"""Vehicles whose last sign is remembered (ours). With more, those that were silent longest are forgotten."""
SILENT_S = 180.0
"""A vehicle that is online and sends nothing for so long is silent (ours): it sends a status once a minute."""
SETTLE_S = 1.0
"""After a connection, retained messages come for about so long: they tell how it was, not what happens (ours)."""
MOST_NAME = 200
"""Characters of a vehicle's name. A longer one is no name of ours."""
Happening = Literal[
    "alert", "online", "offline", "silent", "back", "broker_lost", "broker_back", "fleet", "malformed", "refused"
]


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """Something that a person at the screen should know. `text`: in words, empty for an alert; untrusted.

    `vehicle`: empty if it is about the broker or the whole fleet. `alert`: only with an alert.
    """

    what: Happening
    vehicle: str = ""
    text: str = ""
    alert: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What is shown. `vehicles`, `rules`: patterns with `*`; none: all. `level`: alerts of at least this level."""

    vehicles: Sequence[str] = ()
    rules: Sequence[str] = ()
    level: Level = "info"


@dataclass(frozen=True, slots=True)
class BrokerMessage:
    """A message of the broker. `digest`: its property `sha256`, None without one. `retained`: it was sent earlier."""

    topic: str
    payload: bytes
    received: datetime
    digest: str | None = None
    retained: bool = False


@dataclass(slots=True)
class _Sign:
    """The last sign of life of a vehicle. `online`: None: it never said. `at`: monotonic seconds."""

    at: float
    online: bool | None = None
    silent: bool = False


class FleetWatcher:
    """Tells `show` what is new. `malformed`: messages that were no alerts. All times: monotonic seconds."""

    def __init__(self, choice: Choice, show: Callable[[WatchEvent], None]) -> None:
        self.malformed = 0
        self._show = show
        self._vehicle, self._rule = matcher(choice.vehicles), matcher(choice.rules)
        self._level = LEVELS.index(choice.level)
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._signs: OrderedDict[str, _Sign] = OrderedDict()
        self._connected_at: float | None = None
        self._settled = self._lost = False

    def connected(self, now: float) -> None:
        """The broker has let us in."""
        if self._lost:
            self._show(WatchEvent("broker_back", text="the broker is back"))
        self._connected_at, self._lost = now, False
        for name, sign in self._signs.items():  # nobody could hear them meanwhile
            self._signs[name] = _Sign(now, sign.online, sign.silent)

    def lost(self, reason: str) -> None:
        """The connection is gone, or was never there. It is told once until it is back."""
        if not self._lost:
            self._show(WatchEvent("broker_lost", text=f"no broker: {reason}; trying again"))
        self._connected_at, self._lost = None, True

    def receive(self, heard: BrokerMessage, now: float) -> None:
        """Take one message."""
        topic = topics.parse(heard.topic)
        if topic is None or len(topic.vehicle) > MOST_NAME or not self._vehicle(topic.vehicle):
            return
        if topic.kind == "alert":
            if not heard.retained:
                self._sign(topic.vehicle, now)
                self._alert(topic, heard)
        elif topic.kind == "online":
            self._online(topic.vehicle, heard, now)
        elif topic.kind == "status" and not heard.retained:
            self._sign(topic.vehicle, now)

    def check_age(self, now: float) -> None:
        """Tell vehicles that have become silent. Call it about once a second."""
        if self._connected_at is None:
            return
        if not self._settled and now - self._connected_at >= SETTLE_S:
            self._settled = True
            self._show(WatchEvent("fleet", text=self._summary()))
        for name, sign in self._signs.items():  # the oldest sign comes first
            if now - sign.at < SILENT_S:
                break
            if sign.online and not sign.silent:
                sign.silent = True
                self._show(WatchEvent("silent", name, f"silent for {SILENT_S:.0f} s although it is online"))

    def _summary(self) -> str:
        online = sum(sign.online is True for sign in self._signs.values())
        offline = sum(sign.online is False for sign in self._signs.values())
        return f"{online} vehicles online, {offline} offline"

    def _sign(self, vehicle: str, now: float) -> _Sign:
        sign = self._signs.setdefault(vehicle, _Sign(now))
        sign.at = now
        self._signs.move_to_end(vehicle)
        if len(self._signs) > MOST_VEHICLES:
            self._signs.popitem(last=False)
        if sign.silent:
            sign.silent = False
            self._show(WatchEvent("back", vehicle, "sends again"))
        return sign

    def _online(self, vehicle: str, heard: BrokerMessage, now: float) -> None:
        row = parse(heard.topic, heard.payload, heard.digest, heard.received)
        if not isinstance(row, VehicleOnline):
            self._malformed(vehicle, row.reason if isinstance(row, DeadLetter) else "")
            return
        online = row.online
        known = self._signs.get(vehicle)
        # A retained message is no sign of life: it was sent earlier.
        sign = known if known is not None and heard.retained else self._sign(vehicle, now)
        if sign.online is not online and self._settled:
            self._show(WatchEvent("online" if online else "offline", vehicle, "online" if online else "offline"))
        sign.online = online
        sign.silent = sign.silent and online

    def _alert(self, topic: topics.Topic, heard: BrokerMessage) -> None:
        row = parse(heard.topic, heard.payload, heard.digest, heard.received)
        if isinstance(row, DeadLetter):
            self._malformed(topic.vehicle, row.reason)
        elif isinstance(row, AlertRow) and self._is_new(row.id) and self._is_wanted(row):
            self._show(WatchEvent("alert", topic.vehicle, alert=json.loads(row.body)))

    def _is_new(self, name: str) -> bool:
        if name in self._ids:
            return False
        self._ids[name] = None
        if len(self._ids) > MOST_IDS:
            self._ids.popitem(last=False)
        return True

    def _is_wanted(self, row: AlertRow) -> bool:
        return self._rule(row.rule) and LEVELS.index(cast(Level, row.level)) >= self._level

    def _malformed(self, vehicle: str, reason: str) -> None:
        self.malformed += 1
        if self.malformed == 1:
            more = "the collector keeps such messages as dead letters; more of them are only counted here"
            self._show(WatchEvent("malformed", vehicle, f"a message cannot be shown: {reason}; {more}"))
