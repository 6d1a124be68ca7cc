"""What goes over one connection: alerts, status and `online` to the broker, its acknowledgements and `stored` back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from driver_monitor.messages import wire
from driver_monitor.messages.wire import Message
from driver_monitor.mqtt import topics
from driver_monitor.outputs.uplink import faults
from driver_monitor.outputs.uplink.connection import Answer, BrokerConnection
from driver_monitor.outputs.uplink.faults import UplinkFault
from driver_monitor.outputs.uplink.session import REFUSED, UplinkSession
from driver_monitor.outputs.uplink.status import DrivingTime, StatusTimes, VehicleRun, online_message, status_message
from driver_monitor.spool.entry import SpoolEntry
from driver_monitor.spool.spool import Spool

TRIAL_S = 1.0
"""Time between two looks at the clock while a trial waits for its answer (ours); the answer itself ends the wait."""
MOST_VEHICLES = 16
"""Most vehicle ids whose answers are asked for: that of now, and those of alerts from before it was changed (ours)."""


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
class Sender:
    """What one run of one vehicle sends, over whichever connection.

    `stored`: number of alerts that the operator has confirmed. `status`: the newest public one. `forbidden`: earlier
    vehicle ids whose alerts a broker refuses; they wait for the next run.
    """

    run: VehicleRun
    spool: Spool
    driving: DrivingTime
    clocks: Clocks
    session: UplinkSession = field(default_factory=UplinkSession)
    times: StatusTimes = field(default_factory=StatusTimes)
    stored: int = 0
    status: Message | None = None
    forbidden: set[str] = field(default_factory=set)

    @property
    def vehicle(self) -> str:
        """The present id of the vehicle."""
        return self.run.vehicle

    def online(self, online: bool) -> bytes:
        """Return the payload of `online`."""
        return wire.encode(online_message(self.vehicle, online, self.clocks.wall()[0]))


class Exchange:
    """The messages of one connection. `report`: called with each fault that does not end it.

    `answer`: the broker's answer to CONNECT, once it has come. `open`: whether alerts may follow: the broker has
    accepted the connection, and has answered `online`.
    """

    def __init__(self, connection: BrokerConnection, sender: Sender, report: Callable[[UplinkFault], object]) -> None:
        self.connection = connection
        self.answer: Answer | None = None
        self.open = False
        self._sender, self._report = sender, report
        self._ids: dict[int, str] = {}
        self._online: int | None = None
        self._status: int | None = None
        self._vehicles = {sender.vehicle}
        # The first alert of another vehicle id, and that id. Nothing is sent after it until its answer: mosquitto
        # closes the connection after a refusal, and what it then still gets would destroy the answer.
        self._trial: tuple[int, str] | None = None

    def hear(self) -> None:
        """Take what the broker has said."""
        heard = self.connection.heard()
        if heard.answer is not None:
            self.answer = heard.answer
            if heard.answer.code == 0:
                self._begin()
        for number, code, words in heard.published:
            if code >= REFUSED:
                self._report(faults.of_refusal(str(self.connection.broker), code, words, self._topic_of(number)))
            self._acknowledged(number, code)
        for topic in heard.refused:
            self._report(faults.no_right(topic))
        for _, payload in heard.messages:
            self._sender.stored += self._sender.spool.confirm(self._sender.session.stored(payload))

    def send(self, now: float) -> float:
        """Publish alerts and status, as far as they are due. Returns how long nothing is due."""
        session, spool = self._sender.session, self._sender.spool
        while wanted := session.wanted():
            session.offer(spool.waiting(wanted, session.ids), wanted, now)
        while self._trial is None and (entries := session.take(now, 1)):
            self._publish(entries[0])
        if self._trial is not None:
            return TRIAL_S
        waits = [self.connection.keepalive_s / 4]
        if (at := session.next_at()) is not None:
            waits.append(at - now)
        if self._sender.status is not None and self._status is None:
            waits.append(self._send_status(self._sender.status, now))
        return max(0.0, min(waits))

    def say_offline(self) -> None:
        """Publish `online: false`; `owes_online` tells until when it is not acknowledged."""
        topic = topics.online(self._sender.vehicle)
        self._online = self.connection.publish(topic, self._sender.online(False), retain=True)

    @property
    def owes_online(self) -> bool:
        """Whether the broker has not acknowledged the last `online` yet."""
        return self._online is not None

    def close(self) -> None:
        """Close the connection without a farewell."""
        if self._trial is not None:  # a broker may also end the connection instead of refusing the alert
            self._sender.forbidden.add(self._trial[1])
        self.connection.drop()

    def _begin(self) -> None:
        vehicle = self._sender.vehicle
        self.connection.subscribe(topics.stored(vehicle))
        self._online = self.connection.publish(topics.online(vehicle), self._sender.online(True), retain=True)

    def _acknowledged(self, number: int, code: int) -> None:
        """The broker has answered the message of this number with `code`."""
        if number == self._online:
            self._online, self.open = None, True
        elif number == self._status:
            self._status = None
        elif (id_ := self._ids.pop(number, None)) is not None:
            self._sender.session.published(id_, code)
        if self._trial is not None and number == self._trial[0]:
            (self._vehicles if code < REFUSED else self._sender.forbidden).add(self._trial[1])
            self._trial = None

    def _topic_of(self, number: int) -> str:
        """Return the topic of a message that the broker has not acknowledged yet, for people."""
        if self._trial is not None and number == self._trial[0]:
            return topics.alert(self._trial[1], "...")
        kind = {self._online: topics.online, self._status: topics.status}.get(number)
        return topics.alert(self._sender.vehicle, "...") if kind is None else kind(self._sender.vehicle)

    def _publish(self, entry: SpoolEntry) -> None:
        """Publish an alert on the topic of the vehicle that it names."""
        vehicle = _vehicle_of(entry) or self._sender.vehicle
        new = vehicle not in self._vehicles
        try:
            if vehicle in self._sender.forbidden or (new and len(self._vehicles) >= MOST_VEHICLES):
                raise ValueError(vehicle)
            if new:
                self.connection.subscribe(topics.stored(vehicle))
            number = self.connection.publish(topics.alert(vehicle, entry.rule), entry.body, digest=True)
        except ValueError:  # also the name of a rule or vehicle that no topic can have, from an older version
            self._sender.session.published(entry.id, REFUSED)
            return
        self._ids[number] = entry.id
        if new:
            self._trial = (number, vehicle)

    def _send_status(self, status: Message, now: float) -> float:
        """Publish `status` if it is due. Returns how long the next one is not due."""
        sender = self._sender
        if sender.times.wait_s(status, now) == 0.0:
            counts, driven_s = sender.spool.counts(), sender.driving.seconds
            payload = wire.encode(status_message(status, sender.run, counts, driven_s, *sender.clocks.wall()))
            self._status = self.connection.publish(topics.status(sender.vehicle), payload, retain=True)
            sender.times.sent(status, now)
        return sender.times.wait_s(status, now)


def _vehicle_of(entry: SpoolEntry) -> str | None:
    """Return the vehicle that an alert names. It is another one if `vehicle.id` was changed since."""
    try:
        alert = json.loads(entry.body)
    except (ValueError, RecursionError):
        return None
    vehicle = alert.get("vehicle") if isinstance(alert, dict) else None
    return vehicle if isinstance(vehicle, str) and vehicle else None
