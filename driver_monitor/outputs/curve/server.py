"""libzmq's socket for other computers, with all that decides who may connect. It belongs to one thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import zmq
from zmq.utils.monitor import parse_monitor_message

from driver_monitor.errors import KeysError
from driver_monitor.keys.certificate import Certificate
from driver_monitor.keys.key_folder import KeyFolder
from driver_monitor.outputs.curve.access import ADDRESS, AccessList
from driver_monitor.outputs.curve.limits import ConnectionLimit
from driver_monitor.outputs.curve.listener import CurveListener
from driver_monitor.outputs.curve.replay import Replay
from driver_monitor.outputs.curve.sockets import CurveSockets, open_sockets
from driver_monitor.outputs.zmtp.subscriber import DROP_ORDER, Kind
from driver_monitor.threads.wakeup import Wakeup

TICK_S = 0.25
"""Longest wait of `serve`. The folder of keys is looked at `CHECK_S` after the last time."""
CHECK_S = 0.5
"""Period of the look at the folder of keys (ours). A revocation ends a connection within a second."""
AT_ONCE = 256
"""Most messages of clients, and events of connections, between two of our own messages (ours)."""
log = logging.getLogger(__name__)


class CurveMessage(NamedTuple):
    """One message: its kind, its topic and its JSON."""

    kind: Kind
    topic: bytes
    payload: bytes


class CurveServer:
    """Publishes at `bind` for the clients in the folder `keys`. Raises `OutputError`. See the docstring of the package.

    All methods but `wake` belong to one thread. `send_queue`: number of messages that may wait for one client.
    `missed`: number of messages by kind that at least one client did not get. libzmq does not say how many did not, nor
    what was lost on the way to a client whose connection broke. `clock`: monotonic seconds.
    """

    def __init__(
        self, bind: str, keys: KeyFolder, send_queue: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.missed: dict[Kind, int] = dict.fromkeys(DROP_ORDER, 0)
        self.access = AccessList()
        self._failed = 0
        self._keys, self._send_queue, self._clock = keys, send_queue, clock
        self._marks: tuple[object, ...] = ()
        self._pair: Certificate | None = None
        self._fault, self._revoked = "", False
        self._sockets: CurveSockets | None = None
        self._listener = CurveListener(bind)
        self.endpoint = self._listener.endpoint
        self._limit, self._replay = ConnectionLimit(clock()), Replay()
        self._wakeup = Wakeup()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        # Before the socket that asks it: with ZAP_ENFORCE_DOMAIN, nobody gets in while it is missing.
        self._asked = self._context.socket(zmq.REP)
        self._asked.bind(ADDRESS)
        self._register()
        self._check_keys(clock())

    @property
    def closed(self) -> bool:
        """Whether nobody is let in, because the folder of keys cannot be used."""
        return not self.access.usable

    @property
    def refused(self) -> int:
        """Number of connections that were refused: their key, or no key, or no handshake in time."""
        return self.access.refused + self._failed

    def wake(self) -> None:
        """End the present or next wait of `serve`. May be called in any thread, also after `close`."""
        self._wakeup.wake()

    def serve(self, last: Callable[[], Sequence[CurveMessage]]) -> None:
        """Wait for clients or `wake`, and handle what came. A new subscription gets what matches it in `last()`."""
        now = self._clock()
        wait_s = self._replay.wait_s(now, TICK_S)
        ready = dict(self._poller.poll(int(wait_s * 1000)))
        if self._wakeup.socket.fileno() in ready:
            self._wakeup.clear()
        if self._sockets is not None and self._sockets.events in ready:
            self._count_connections(self._sockets.events)
        if self._asked in ready:
            # libzmq's clients give up for good after a refusal: a key that has just come on the list must get in.
            self._check_keys(self._clock())
            self._asked.send_multipart(self.access.answer(self._asked.recv_multipart(), self._clock()))
        if self._sockets is not None and self._sockets.publisher in ready:
            self._read_clients(self._sockets.publisher)
        now = self._clock()
        if now >= self._next_check:
            self._check_keys(now)
        self._listener.shut(self._sockets is None or self._limit.is_reached(now))
        if self._replay.is_due(now):
            for message in self._replay.take(last(), now):
                self.send(message)

    def send(self, message: CurveMessage) -> None:
        """Send to all clients that subscribed, without waiting. One whose queue is full loses it."""
        if self._sockets is None:
            return
        publisher, frames = self._sockets.publisher, (message.topic, message.payload)
        try:
            publisher.send_multipart(frames, zmq.DONTWAIT)
            return
        except zmq.Again:
            self._count_missed(message)
        # With XPUB_NODROP libzmq says that a queue is full, and sends to nobody.
        publisher.setsockopt(zmq.XPUB_NODROP, 0)
        publisher.send_multipart(frames, zmq.DONTWAIT)
        publisher.setsockopt(zmq.XPUB_NODROP, 1)

    def close(self) -> None:
        """Send what waits, for at most `LINGER_MS`, end all connections and release the address."""
        if self._sockets is not None:
            self._sockets.close()
        self._asked.close(0)
        self._context.term()
        self._listener.close()
        self._wakeup.close()

    def _count_missed(self, message: CurveMessage) -> None:
        self.missed[message.kind] += 1
        if message.kind == "alert" and self.missed["alert"] == 1:
            text = "a client reads too slowly and missed an alert; more of them are only counted (curve_missed_alert)"
            log.warning("zmq: %s: %s", self.endpoint, text)

    def _use(self, keys: KeyFolder) -> Certificate:
        """Read the folder, and use its list. Returns the pair of this vehicle. Raises `KeysError`."""
        read = keys.read()
        for fault in read.faults:
            log.error("zmq.keys: %s; this client is not let in", fault)
        self._revoked = self.access.replace({client.public: client.name for client in read.clients})
        return read.server

    def _check_keys(self, now: float) -> None:
        """Look whether the folder has changed. A revocation, another pair or a fault ends all connections.

        Clients that are still on the list connect again at once, and get the active alerts. A fault at the start is one
        too: the driver must be watched with the right camera, whoever may look.
        """
        self._next_check = now + CHECK_S
        pair, fault = self._pair, ""
        try:
            marks = self._keys.marks()
            if marks == self._marks and not self._fault:
                return
            self._marks = marks
            pair = self._use(self._keys)
        except (KeysError, OSError) as error:
            fault = str(error)
            if fault != self._fault:
                log.error("zmq.keys: %s; until then no client is let in", error)
            self._revoked = self.access.replace(None)
        self._fault = fault
        if self._revoked or pair != self._pair:
            self._pair = pair
            self._open_again("the list of clients has changed")

    def _open_again(self, reason: str) -> None:
        if self._sockets is not None:
            text = "all connections end, and clients on the list connect again"
            log.info("zmq: %s: %s; %s", self.endpoint, reason, text)
            self._sockets.close()
        self._limit.forget()
        self.access.limits.forget_connects()
        if self._pair is not None:
            self._sockets = open_sockets(self._context, self._listener, str(self._pair.secret), self._send_queue)
        self._register()

    def _register(self) -> None:
        self._poller = zmq.Poller()
        for one in (self._asked, self._wakeup.socket, *(self._sockets or ())):
            self._poller.register(one, zmq.POLLIN)

    def _count_connections(self, events: zmq.Socket[bytes]) -> None:
        for _ in range(AT_ONCE):
            try:
                event = parse_monitor_message(events.recv_multipart(zmq.DONTWAIT))
            except zmq.Again:
                return
            if event["event"] == zmq.EVENT_ACCEPTED:
                self._limit.accepted(int(event["value"]))
            elif event["event"] == zmq.EVENT_DISCONNECTED:
                self._limit.ended(int(event["value"]))
            else:
                self._failed += 1

    def _read_clients(self, publisher: zmq.Socket[bytes]) -> None:
        for _ in range(AT_ONCE):
            try:
                frame = publisher.recv(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            key, now = _user(frame), self._clock()
            if frame.bytes.startswith(b"\1"):
                self._replay.subscribed(frame.bytes[1:])
            if key is not None and self.access.limits.floods(key, now):
                name = self.access.names.get(key, "that was revoked")
                log.warning("zmq: %s: the client %s sends too much, and must wait a minute", self.endpoint, name)
                self._open_again("a client sends too much")
                return


def _user(frame: zmq.Frame) -> str | None:
    """Return the public key of the client that sent `frame`. None: libzmq made it, when a connection ended."""
    try:
        return str(frame.get("User-Id"))
    except zmq.ZMQError:
        return None
