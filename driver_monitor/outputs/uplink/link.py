"""Keeps the car connected to its operator, and sends what is in the spool. Runs in one thread of its own.

Whatever the network does, the rest of the daemon never waits for it: DNS, TCP and TLS may hang in this thread only.
"""

from __future__ import annotations

import logging
import select
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from driver_monitor.errors import ConfigError
from driver_monitor.messages import wire
from driver_monitor.messages.wire import Message
from driver_monitor.mqtt import topics
from driver_monitor.mqtt.broker import Broker
from driver_monitor.mqtt.client import ClientSettings, Will
from driver_monitor.mqtt.login import Login
from driver_monitor.outputs.uplink import faults
from driver_monitor.outputs.uplink.attempts import HELD_S, Attempts
from driver_monitor.outputs.uplink.connection import BrokerConnection
from driver_monitor.outputs.uplink.exchange import Exchange, Sender
from driver_monitor.outputs.uplink.faults import UplinkFault
from driver_monitor.outputs.uplink.status import SHORTEST_S, online_message
from driver_monitor.threads.wakeup import Wakeup

SESSION_S = 7 * 24 * 3600
"""How long the broker keeps answers (`stored`) for a car that is not connected (ours): a week of holidays."""
ANSWER_S = 10.0
"""Longest wait for the broker's answers to CONNECT and `online` (ours)."""
FAREWELL_S = 0.3
"""Longest wait at the end until the broker has taken `online: false` (ours)."""

log = logging.getLogger(__name__)


@dataclass
class Counts:
    """What the uplink has done since it was made. `stored`: alerts that the operator has confirmed."""

    stored: int = 0
    resent: int = 0
    refused: int = 0
    connected: bool = False


class Link:
    """The work of the connection's thread: `run` until `closing` returns True. `wake` ends its wait, in any thread.

    `counts`: for any thread to read. `added`, `status`: called in other threads.
    """

    def __init__(
        self,
        brokers: tuple[Broker, ...],
        login: Login,
        sender: Sender,
        closing: Callable[[], bool] = lambda: False,
    ) -> None:
        self.counts = Counts()
        self._brokers, self._login, self._sender, self._closing = brokers, login, sender, closing
        self._clocks, self._session = sender.clocks, sender.session
        self._attempts = Attempts(len(brokers))
        self._exchange: Exchange | None = None
        self._last_broker: Broker | None = None
        self._context: tuple[object, ssl.SSLContext] | None = None
        self._next_at = self._began_at = self._clocks.monotonic()
        self._added = False
        self._logged: set[str] = set()
        self._told = False  # whether the log knows that there is a connection
        self._wakeup = Wakeup()

    def added(self) -> None:
        """A new alert is in the spool."""
        self._added = True
        self.wake()

    def status(self, status: Message) -> None:
        """Take the newest public status. It is sent when it is due."""
        self._sender.status = status
        if self.counts.connected and self._sender.times.wait_s(status, self._clocks.monotonic()) <= SHORTEST_S:
            self.wake()

    def wake(self) -> None:
        """End the present wait."""
        self._wakeup.wake()

    def run(self) -> None:
        """Connect and send until `closing`, then say farewell."""
        while not self._closing():
            self.turn()
        self._farewell()

    def ended(self) -> None:
        """Close what only the thread uses."""
        if self._exchange is not None:
            self._exchange.close()
        self._wakeup.close()

    def turn(self, longest_s: float | None = None) -> float:
        """Do what is due, then wait for something to do, at most `longest_s`. Returns the wait that was planned."""
        planned_s = self._work()
        wait_s = planned_s if longest_s is None else min(planned_s, longest_s)
        if self._exchange is not None:
            self._exchange.connection.serve(wait_s, self._wakeup.socket)
        else:
            select.select([self._wakeup.socket], [], [], wait_s)
        self._wakeup.clear()
        return planned_s

    def _work(self) -> float:
        """Do what is due now. Returns how long nothing is due."""
        now = self._clocks.monotonic()
        if self._exchange is None:
            if now >= self._next_at:
                self._connect(now)
            return 0.0 if self._exchange is not None else max(0.0, self._next_at - now)
        exchange = self._exchange
        self._hear(exchange, now)
        if (fault := self._end_of(exchange, now)) is not None:
            self._lose(fault)
            return 0.0
        return self._send(exchange, now) if self._session.online else ANSWER_S - (now - self._began_at)

    def _connect(self, now: float) -> None:
        broker, vehicle = self._brokers[self._attempts.index], self._sender.vehicle
        will = Will(topics.online(vehicle), wire.encode(online_message(vehicle, False, None)))
        settings = ClientSettings(vehicle, clean_start=False, session_expiry_s=SESSION_S, will=will)
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
        self._exchange, self._began_at = Exchange(connection, self._sender, self._fault), now

    def _tls(self) -> ssl.SSLContext:
        """Return the TLS context, with files that were exchanged since: a renewed certificate needs no reload."""
        files = self._login.files()
        if self._context is None or files != self._context[0]:
            self._context = files, self._login.tls_context()
        return self._context[1]

    def _hear(self, exchange: Exchange, now: float) -> None:
        """Take what the broker has said, and note when alerts may follow."""
        exchange.hear()
        if exchange.open and not self._session.online:
            broker, answer = exchange.connection.broker, exchange.answer
            # An old session at another broker says nothing about what the last one had.
            resumed = answer is not None and answer.resumed and broker == self._last_broker
            self._last_broker, self._began_at, self.counts.connected = broker, now, True
            self._session.connected(now, resumed=resumed)
            self._sender.times.connected()
            if not self._told:
                log.info("uplink: connected%s to %s", " again" if self._logged else "", broker)
                self._told = True
        counts, session = self.counts, self._session
        counts.stored, counts.resent, counts.refused = self._sender.stored, session.resent, session.refused

    def _end_of(self, exchange: Exchange, now: float) -> UplinkFault | None:
        """Return why the connection must be given up; None: it is good."""
        broker, vehicle = str(exchange.connection.broker), self._sender.vehicle
        if exchange.answer is not None and exchange.answer.code != 0:
            return faults.of_answer(broker, exchange.answer.code, exchange.answer.reason, vehicle)
        if exchange.connection.ended is not None:
            return faults.of_end(broker, *exchange.connection.ended, vehicle)
        silent = self._session.silent(now) if self._session.online else now - self._began_at >= ANSWER_S
        return faults.silent(broker) if silent else None

    def _send(self, exchange: Exchange, now: float) -> float:
        """Send what is due. Returns how long nothing is due."""
        if now - self._began_at >= HELD_S:
            self._logged.clear()
        if self._added:
            self._added = False
            self._session.added()
        return exchange.send(now)

    def _lose(self, fault: UplinkFault) -> None:
        """Give the connection up, and plan the next attempt."""
        now, chance = self._clocks.monotonic(), self._clocks.chance()
        good = self._session.online
        wait_s = self._attempts.ended(now - self._began_at, chance) if good else self._attempts.failed(chance)
        self._next_at = now + wait_s
        self._session.disconnected()
        self.counts.connected = False
        if self._exchange is not None:
            self._exchange.close()
        self._exchange = None
        self._fault(fault)

    def _fault(self, fault: UplinkFault) -> None:
        """Log the first fault of each kind since the last good connection."""
        if fault.kind not in self._logged:
            self._logged.add(fault.kind)
            self._told = False
            log.warning("uplink: %s; alerts are kept until they are stored", fault.text)

    def _farewell(self) -> None:
        """Send what is due, say `online: false`, and leave; never longer than `FAREWELL_S`."""
        exchange = self._exchange
        if exchange is not None and self._session.online and exchange.connection.ended is None:
            self._wakeup.clear()
            now = self._clocks.monotonic()
            self._send(exchange, now)
            exchange.say_offline()
            end = now + FAREWELL_S
            while exchange.owes_online and exchange.connection.ended is None and self._clocks.monotonic() < end:
                exchange.connection.serve(end - self._clocks.monotonic())
                self._hear(exchange, now)
            exchange.connection.leave()
        self.counts.connected = False
