"""A simulated vehicle: drives, alerts, clock, spool, uplink, dead spots and power cuts. Its owner has the clock."""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from driver_monitor.fleet.simulate.account import Account
from driver_monitor.fleet.simulate.clock import VehicleClock
from driver_monitor.fleet.simulate.link import Events, Network, VehicleLink
from driver_monitor.fleet.simulate.storage import Storage, cut_power, last_number, open_spool
from driver_monitor.fleet.simulate.trip import Trip
from driver_monitor.messages.wire import Message, encode
from driver_monitor.mqtt import topics
from driver_monitor.mqtt.client import KEEPALIVE_S, ClientSettings, Will
from driver_monitor.outputs.sequence import BLOCK
from driver_monitor.outputs.uplink.attempts import Attempts
from driver_monitor.outputs.uplink.link import SESSION_S
from driver_monitor.outputs.uplink.session import UplinkSession
from driver_monitor.outputs.uplink.status import StatusTimes, VehicleRun, online_message, status_message
from driver_monitor.spool.entry import SpoolEntry

PARKED_S = (2.0, 20.0)
"""Shortest and longest time between two trips: the ignition is off, and the daemon too (ours)."""
BOOT_S = (1.0, 5.0)
"""Shortest and longest time from a power cut to the next start of the daemon (ours)."""
CARE_S = KEEPALIVE_S / 4
"""Longest time between two looks at a connection."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all vehicles share. `now`: monotonic seconds. `wall`: seconds since 1970. `record`: gets each alert that
    is in a spool. `wake`: takes a vehicle and the time at which its `tick` is due."""

    network: Network
    account: Account
    now: Callable[[], float]
    wall: Callable[[], float]
    record: Callable[[str, SpoolEntry], None]
    wake: Callable[[SimulatedVehicle, float], None]


class SimulatedVehicle:
    """The vehicle `name`. `folder`: of its spool; None: in memory."""

    def __init__(
        self,
        name: str,
        shared: Surroundings,
        folder: Path | None,
        chance: random.Random,
    ) -> None:
        self.name = name
        self._shared, self._folder, self._chance = shared, folder, chance
        self._clock_kind = chance.random()
        self._put_at: dict[str, float] = {}
        self._spool: Storage = open_spool(folder)
        self._number = 0 if folder is None else last_number(folder)
        self._session = UplinkSession()
        self._link: VehicleLink | None = None
        self._trip: Trip | None = None
        self._left: list[Message] = []
        self._connect_at: float | None = None
        self._attempts, self._times = Attempts(1), StatusTimes()
        self._connected_at = 0.0
        self._start_at = math.inf
        self._clock = VehicleClock(chance, self._clock_kind, shared.wall())

    @property
    def drives(self) -> bool:
        """Whether the daemon runs, and can raise alerts."""
        return self._trip is not None

    @property
    def online(self) -> bool:
        """Whether a broker has accepted the connection."""
        return self._session.online

    def begin(self, at: float) -> None:
        """Set out for the first time at `at`."""
        self._start_at = self._connect_at = at
        self._shared.wake(self, at)

    def tick(self) -> None:
        """Do what is due: set out, connect, send, tell the status."""
        now = self._shared.now()
        if self._trip is None and now >= self._start_at:
            self._set_out(now)
        if self._connect_at is not None and now >= self._connect_at and self._trip is not None:
            self._connect()
        if self._session.silent(now):
            self._ended()
        if self._link is not None:
            self._link.keep_alive()
        self._send(now)
        self._wake(now)

    def alert(self) -> bool:
        """Raise, escalate or clear the next alert of the drive. False: the trip has ended instead, or none runs."""
        now = self._shared.now()
        if self._trip is None:
            return False
        message = self._trip.next(now)
        if message is None:
            self._park(now)
            return False
        entry = SpoolEntry(
            message["id"], message["seq"], message["rule"], message["level"], message["t_wall"], encode(message)
        )
        self._spool.put(entry)
        self._shared.account.alerts += 1
        self._shared.account.waiting += 1
        self._shared.record(self.name, entry)
        if self._session.online:
            self._put_at[entry.id] = now
        self._session.added()
        self._send(now)
        self._wake(now)
        return True

    def lose_network(self, seconds: float) -> None:
        """Have no connection for so long, as in a tunnel."""
        self._shared.account.offline += 1
        self._lose_link()
        self._put_at.clear()
        self._connect_at = self._shared.now() + seconds
        self._wake(self._shared.now())

    def come_back(self, within_s: float) -> None:
        """Set out and connect, wherever it is now: the drives have ended, and what waits is to be sent."""
        now = self._shared.now()
        soon = now + self._chance.uniform(0, within_s)
        self._start_at = min(self._start_at, soon)
        if self._connect_at is not None:
            self._connect_at = min(self._connect_at, soon)
        self._wake(now)

    def cut_power(self) -> None:
        """Lose the power: all but the files of the spool is gone, and the numbers reserved ahead are skipped."""
        now = self._shared.now()
        self._shared.account.power_cuts += 1
        self._lose_link()
        self._session = UplinkSession()
        self._put_at.clear()
        if self._trip is not None:
            self._left, self._trip = list(self._trip.active.values()), None
        if self._folder is not None:
            cut_power(self._spool, self._folder)
            self._spool = open_spool(self._folder)
            self._number = last_number(self._folder)
        skipped = self._chance.randrange(BLOCK)
        self._shared.account.missing += skipped
        self._number += skipped
        self._start_at = self._connect_at = now + self._chance.uniform(*BOOT_S)
        self._wake(now)

    def end(self) -> None:
        """End in peace: tell the operator, close the spool."""
        self._leave()
        self._spool.close()

    def _set_out(self, now: float) -> None:
        self._shared.account.trips += 1
        self._clock = VehicleClock(self._chance, self._clock_kind, self._shared.wall())
        self._trip = Trip(self.name, self._chance, self._next_number, self._wall, now, str(uuid.uuid4()), self._left)
        self._left = []

    def _park(self, now: float) -> None:
        """End the trip. What is active then is ended by the next start."""
        self._leave()
        if self._trip is not None:
            self._left, self._trip = list(self._trip.active.values()), None
        self._start_at = self._connect_at = now + self._chance.uniform(*PARKED_S)
        self._wake(now)

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _connect(self) -> None:
        will = Will(topics.online(self.name), encode(online_message(self.name, False, None)))
        settings = ClientSettings(self.name, clean_start=False, session_expiry_s=SESSION_S, will=will)
        events = Events(self._connected, self._ended, self._published, self._stored)
        self._link, self._connect_at = VehicleLink(self.name, self._shared.network, settings, events), None
        if not self._link.open():
            self._ended()

    def _connected(self, resumed: bool) -> None:
        now = self._shared.now()
        self._shared.account.connections += 1
        self._shared.account.connected += 1
        self._connected_at = now
        self._session.connected(now, resumed=resumed)
        self._times.connected()
        assert self._link is not None
        self._link.tell(topics.online(self.name), online_message(self.name, True, self._wall()[0].timestamp()))
        self._send(now)
        self._wake(now)

    def _ended(self) -> None:
        """The broker has refused or ended the connection, or does not answer: try again after a pause."""
        now, chance = self._shared.now(), self._chance.random()
        if self._session.online:
            pause_s = self._attempts.ended(now - self._connected_at, chance)
        else:
            pause_s = self._attempts.failed(chance)
            self._shared.account.refused += 1
        self._lose_link()
        self._connect_at = now + pause_s
        self._wake(now)

    def _published(self, id_: str, code: int) -> None:
        self._session.published(id_, code)
        self._send(self._shared.now())

    def _stored(self, payload: bytes) -> None:
        now = self._shared.now()
        ids = self._session.stored(payload)
        confirmed = self._spool.confirm(ids)
        self._shared.account.confirmed += confirmed
        self._shared.account.waiting -= confirmed
        for id_ in ids:
            if (put_at := self._put_at.pop(id_, None)) is not None:
                self._shared.account.latency.add(now - put_at)
        self._send(now)

    def _send(self, now: float) -> None:
        if self._link is None or not self._session.online:
            return
        if wanted := self._session.wanted():
            self._session.offer(self._spool.waiting(wanted, self._session.ids), wanted, now)
        before = self._session.resent
        for entry in self._session.take(now):
            self._link.send(entry)
            self._shared.account.sent += 1
        self._shared.account.resent += self._session.resent - before

        if self._trip is not None and self._times.wait_s(self._trip.status(now), now) == 0.0:
            self._tell_status(self._trip, now)

    def _tell_status(self, trip: Trip, now: float) -> None:
        status, run = trip.status(now), VehicleRun(self.name, trip.id, trip.boot)
        wall, synced = self._wall()
        message = status_message(status, run, self._spool.counts(), now - trip.start, wall.timestamp(), synced)
        if self._link is not None:
            self._link.tell(topics.status(self.name), message)
        self._times.sent(status, now)

    def _leave(self) -> None:
        """End the connection with a farewell; one that the broker has not accepted yet, without."""
        if self._link is None or not self._session.online:
            self._lose_link()
            return
        if self._trip is not None:
            self._tell_status(self._trip, self._shared.now())
        self._link.tell(topics.online(self.name), online_message(self.name, False, self._wall()[0].timestamp()))
        self._link.leave()
        self._forget_link()

    def _lose_link(self) -> None:
        if self._link is not None:
            self._link.lose()
        self._forget_link()

    def _forget_link(self) -> None:
        if self._session.online:
            self._shared.account.connected -= 1
        self._session.disconnected()
        self._link = None

    def _wake(self, now: float) -> None:
        """Ask for the next `tick`."""
        due = [now + CARE_S]
        if self._trip is None:
            due.append(self._start_at)
        elif self._connect_at is not None:
            due.append(self._connect_at)
        if (at := self._session.next_at()) is not None:
            due.append(at)
        if self._session.online and self._trip is not None:
            due.append(now + self._times.wait_s(self._trip.status(now), now))
        self._shared.wake(self, max(now + 0.001, min(due)))

    def _wall(self) -> tuple[datetime, bool]:
        return self._clock.at(self._shared.wall())
