"""Keeps the car connected to its operator, and sends what is in the spool. Runs in one thread of its own.

Whatever the network does, the rest of the daemon never waits for it: DNS, TCP and TLS may hang in this thread only.
"""

from __future__ import annotations

import json
import logging
import select
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from driver_monitor.errors import ConfigError
from driver_monitor.messages import wire
from driver_monitor.messages.wire import Message
from driver_monitor.mqtt import topics
from driver_monitor.mqtt.broker import Broker
from driver_monitor.mqtt.client import ClientSettings, Will
from driver_monitor.mqtt.login import Login
from driver_monitor.outputs.uplink import faults
from driver_monitor.outputs.uplink.attempts import HELD_S, Attempts
from driver_monitor.outputs.uplink.connection import Answer, BrokerConnection, Heard
from driver_monitor.outputs.uplink.faults import UplinkFault
from driver_monitor.outputs.uplink.session import UplinkSession
from driver_monitor.outputs.uplink.status import (
    SHORTEST_S,
    DrivingTime,
    StatusTimes,
    VehicleRun,
    online_message,
    status_message,
)
from driver_monitor.spool.entry import SpoolEntry
from driver_monitor.spool.spool import Spool

SESSION_S = 7 * 24 * 3600
"""How long the broker keeps answers (`stored`) for a car that is not connected (ours): a week of holidays."""
ANSWER_S = 10.0
"""Longest wait for the broker's answer to CONNECT (ours)."""
FAREWELL_S = 0.3
"""Longest wait at the end until the broker has taken `online: false` (ours)."""
TRIAL_S = 1.0
"""Time between two looks at the clock while a trial waits for its answer (ours); the answer itself ends the wait."""
MOST_VEHICLES = 16
"""Most vehicle ids whose answers are asked for: that of now, and those of alerts from before it was changed (ours)."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clocks:
    """Where time and chance come from.

    `monotonic`: returns seconds. `wall`: returns seconds since 1970, and whether this clock is known to be set.
    `chance`: returns a number from 0 to 1.
    """

    monotonic: Callable[[], float]
    wall: Callable[[], tuple[float, bool]]
    chance: Callable[[], float]


@dataclass
class Counts:
    """What the uplink has done since it was made. `stored`: alerts that the operator has confirmed."""

    stored: int = 0
    resent: int = 0
    refused: int = 0
    connected: bool = False


@dataclass
class _Sent:
    """What a connection has sent and the broker has not acknowledged: ids by number, and numbers of other messages.

    `trial`: the first alert of another vehicle id, and that id. Nothing is sent after it until its answer: mosquitto
    closes the connection after a refusal, and what it then still gets would destroy the answer.
    """

    ids: dict[int, str] = field(default_factory=dict)
    online: int | None = None
    status: int | None = None
    trial: tuple[int, str] | None = None


class Link:
    """The work of the connection's thread: `run` until `closing` returns True. `wake` ends its wait, in any thread.

    `counts`: for any thread to read. `added`, `status`: called in other threads.
    """

    def __init__(
        self,
        brokers: tuple[Broker, ...],
        login: Login,
        run: VehicleRun,
        spool: Spool,
        driving: DrivingTime,
        clocks: Clocks,
        closing: Callable[[], bool] = lambda: False,
    ) -> None:
        self.counts = Counts()
        self.session = UplinkSession()
        self._brokers, self._login, self._run, self._spool = brokers, login, run, spool
        self._driving, self._clocks, self._closing = driving, clocks, closing
        self._attempts, self._times = Attempts(len(brokers)), StatusTimes()
        self._connection: BrokerConnection | None = None
        self._last_broker, self._resumed = "", False
        self._context: tuple[object, ssl.SSLContext] | None = None
        self._sent, self._vehicles, self._forbidden = _Sent(), set[str](), set[str]()
        self._next_at = self._began_at = self._clocks.monotonic()
        self._status: Message | None = None
        self._added = False
        self._logged: set[str] = set()
        self._silent = True  # whether the log does not know yet that there is a connection
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)

    def added(self) -> None:
        """A new alert is in the spool."""
        self._added = True
        self.wake()

    def status(self, status: Message) -> None:
        """Take the newest public status. It is sent when it is due."""
        self._status = status
        if self.counts.connected and self._times.wait_s(status, self._clocks.monotonic()) <= SHORTEST_S:
            self.wake()

    def wake(self) -> None:
        """End the present wait."""
        with suppress(OSError):  # the pipe is full: it is woken already; or closed: there is nobody to wake
            self._waker.send(b"w")

    def run(self) -> None:
        """Connect and send until `closing`, then say farewell."""
        while not self._closing():
            self.turn()
        self._farewell()

    def ended(self) -> None:
        """Close what only the thread uses."""
        if self._connection is not None:
            self._connection.drop()
        self._woken.close()
        self._waker.close()

    def turn(self, longest_s: float | None = None) -> float:
        """Do what is due, then wait for something to do, at most `longest_s`. Returns the wait that was planned."""
        planned_s = self._work()
        wait_s = planned_s if longest_s is None else min(planned_s, longest_s)
        if self._connection is not None:
            self._connection.serve(wait_s, self._woken)
        else:
            select.select([self._woken], [], [], wait_s)
        self._clear_wakes()
        return planned_s

    def _work(self) -> float:
        """Do what is due now. Returns how long nothing is due."""
        now = self._clocks.monotonic()
        if self._connection is None:
            if now >= self._next_at:
                self._connect(now)
            return 0.0 if self._connection is not None else max(0.0, self._next_at - now)
        connection = self._connection
        self._hear(connection.heard(), connection, now)
        if self._connection is None:
            return 0.0
        if connection.ended is not None:
            return self._lose(faults.of_end(str(connection.broker), *connection.ended, self._run.vehicle))
        silent = self.session.silent(now) if self.session.online else now - self._began_at >= ANSWER_S
        if silent:
            return self._lose(faults.silent(str(connection.broker)))
        return self._send(connection, now) if self.session.online else ANSWER_S - (now - self._began_at)

    def _connect(self, now: float) -> None:
        broker = self._brokers[self._attempts.index]
        will = Will(topics.online(self._run.vehicle), wire.encode(online_message(self._run.vehicle, False, None)))
        settings = ClientSettings(self._run.vehicle, clean_start=False, session_expiry_s=SESSION_S, will=will)
        connection = None
        try:
            context = self._tls() if broker.tls else None
            connection = BrokerConnection(broker, self._login, settings, self._closing, context)
            connection.open()
        except (OSError, ValueError, ConfigError) as error:  # DNS, TCP, TLS; a name that is none; a file of the login
            if connection is not None:
                connection.drop()
            if not self._closing():
                self._fault(faults.of_attempt(str(broker), error))
            self._next_at = self._clocks.monotonic() + self._attempts.failed(self._clocks.chance())
            return
        self._connection, self._began_at = connection, now

    def _tls(self) -> ssl.SSLContext:
        """Return the TLS context, with files that were exchanged since: a renewed certificate needs no reload."""
        files = self._login.files()
        if self._context is None or files != self._context[0]:
            self._context = files, self._login.tls_context()
        return self._context[1]

    def _hear(self, heard: Heard, connection: BrokerConnection, now: float) -> None:
        if heard.answer is not None:
            self._answered(heard.answer, connection)
        for number, refusal in heard.published:
            if refusal is not None:
                topic = self._topic_of(number)
                self._fault(faults.of_refusal(str(connection.broker), *refusal, topic))
            self._acknowledged(number, refusal is None, connection, now)
        for topic in heard.refused:
            self._fault(faults.no_right(topic))
        for _, payload in heard.messages:
            self.counts.stored += self._spool.confirm(self.session.stored(payload))
        self.counts.resent, self.counts.refused = self.session.resent, self.session.refused

    def _answered(self, answer: Answer, connection: BrokerConnection) -> None:
        broker, vehicle = str(connection.broker), self._run.vehicle
        if answer.code != 0:
            self._lose(faults.of_answer(broker, answer.code, answer.reason, vehicle))
            return
        self._sent, self._vehicles = _Sent(), {vehicle}
        connection.subscribe(topics.stored(vehicle))
        online = online_message(vehicle, True, self._clocks.wall()[0])
        self._sent.online = connection.publish(topics.online(vehicle), wire.encode(online), retain=True)
        # An old session at another broker says nothing about what the last one had.
        self._resumed = answer.resumed and broker == self._last_broker
        self._last_broker = broker

    def _acknowledged(self, number: int, accepted: bool, connection: BrokerConnection, now: float) -> None:
        """The broker has taken or refused the message of this number. Alerts follow once it has taken `online`."""
        if number == self._sent.online:
            self._sent.online, self._began_at, self.counts.connected = None, now, True
            self.session.connected(now, resumed=self._resumed)
            self._times.connected()
            if accepted and self._silent:
                log.info("uplink: connected%s to %s", " again" if self._logged else "", connection.broker)
                self._silent = False
        elif number == self._sent.status:
            self._sent.status = None
        elif (id_ := self._sent.ids.pop(number, None)) is not None:
            self.session.published(id_, accepted=accepted)
        if self._sent.trial is not None and number == self._sent.trial[0]:
            (self._vehicles if accepted else self._forbidden).add(self._sent.trial[1])
            self._sent.trial = None

    def _topic_of(self, number: int) -> str:
        """Return the topic of a message that the broker has not acknowledged yet, for people."""
        if self._sent.trial is not None and number == self._sent.trial[0]:
            return topics.alert(self._sent.trial[1], "...")
        kind = {self._sent.online: topics.online, self._sent.status: topics.status}.get(number)
        return topics.alert(self._run.vehicle, "...") if kind is None else kind(self._run.vehicle)

    def _send(self, connection: BrokerConnection, now: float) -> float:
        """Publish alerts and status, as far as they are due. Returns how long nothing is due."""
        if now - self._began_at >= HELD_S:
            self._logged.clear()
        if self._added:
            self._added = False
            self.session.added()
        while wanted := self.session.wanted():
            self.session.offer(self._spool.waiting(wanted, self.session.ids), wanted, now)
        while self._sent.trial is None and (entries := self.session.take(now, 1)):
            self._publish(entries[0], connection)
        if self._sent.trial is not None:
            return TRIAL_S
        waits = [connection.keepalive_s / 4]
        if (at := self.session.next_at()) is not None:
            waits.append(at - now)
        if self._status is not None and self._sent.status is None:
            waits.append(self._send_status(self._status, connection, now))
        return max(0.0, min(waits))

    def _publish(self, entry: SpoolEntry, connection: BrokerConnection) -> None:
        """Publish an alert on the topic of the vehicle that it names."""
        vehicle = _vehicle_of(entry) or self._run.vehicle
        new = vehicle not in self._vehicles
        try:
            if vehicle in self._forbidden or (new and len(self._vehicles) >= MOST_VEHICLES):
                raise ValueError(vehicle)
            if new:
                connection.subscribe(topics.stored(vehicle))
            number = connection.publish(topics.alert(vehicle, entry.rule), entry.body, digest=True)
        except ValueError:  # also the name of a rule or vehicle that no topic can have, from an older version
            self.session.published(entry.id, accepted=False)
            return
        self._sent.ids[number] = entry.id
        if new:
            self._sent.trial = (number, vehicle)

    def _send_status(self, status: Message, connection: BrokerConnection, now: float) -> float:
        """Publish `status` if it is due. Returns how long the next one is not due."""
        if self._times.wait_s(status, now) == 0.0:
            wall_s, synced = self._clocks.wall()
            counts, driven_s = self._spool.counts(), self._driving.seconds
            payload = wire.encode(status_message(status, self._run, counts, driven_s, wall_s, synced))
            self._sent.status = connection.publish(topics.status(self._run.vehicle), payload, retain=True)
            self._times.sent(status, now)
        return self._times.wait_s(status, now)

    def _lose(self, fault: UplinkFault) -> float:
        """Give the connection up, and plan the next attempt. Returns 0.0: how long nothing is due."""
        now = self._clocks.monotonic()
        chance = self._clocks.chance()
        online = self.session.online
        wait_s = self._attempts.ended(now - self._began_at, chance) if online else self._attempts.failed(chance)
        self._next_at = now + wait_s
        self.session.disconnected()
        self.counts.connected = False
        if self._connection is not None:
            self._connection.drop()
        self._connection = None
        self._fault(fault)
        return 0.0

    def _fault(self, fault: UplinkFault) -> None:
        """Log the first fault of each kind since the last good connection."""
        if fault.kind not in self._logged:
            self._logged.add(fault.kind)
            self._silent = True
            log.warning("uplink: %s; alerts are kept until they are stored", fault.text)

    def _farewell(self) -> None:
        connection = self._connection
        if connection is None:
            return
        if self.session.online and connection.ended is None:
            self._clear_wakes()
            now = self._clocks.monotonic()
            self._send(connection, now)
            online = online_message(self._run.vehicle, False, self._clocks.wall()[0])
            number = connection.publish(topics.online(self._run.vehicle), wire.encode(online), retain=True)
            end, taken = now + FAREWELL_S, False
            while not taken and connection.ended is None and (left_s := end - self._clocks.monotonic()) > 0:
                connection.serve(left_s)
                heard = connection.heard()
                taken = any(one == number for one, _ in heard.published)
                self._hear(heard, connection, now)
            connection.leave()
        self.counts.connected = False

    def _clear_wakes(self) -> None:
        with suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass


def _vehicle_of(entry: SpoolEntry) -> str | None:
    """Return the vehicle that an alert names. It is another one if `vehicle.id` was changed since."""
    try:
        alert = json.loads(entry.body)
    except (ValueError, RecursionError):
        return None
    vehicle = alert.get("vehicle") if isinstance(alert, dict) else None
    return vehicle if isinstance(vehicle, str) and vehicle else None
