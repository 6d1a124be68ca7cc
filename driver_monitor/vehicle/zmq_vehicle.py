"""Receives speed and ignition from another program on this machine, through ZeroMQ.

The socket is an XSUB. A SUB skips messages of other topics inside libzmq, so a wrong publisher could keep `at` busy.
"""

from __future__ import annotations

import math

import zmq

from driver_monitor.data.observation import VehicleData
from driver_monitor.errors import SourceError
from driver_monitor.vehicle.connection import ConnectionMonitor
from driver_monitor.vehicle.faults import FaultLog, SilenceWatch
from driver_monitor.vehicle.source import STALE_S, LatestReport, VehicleSource, WrongMessageError, parse

TOPIC = b"vehicle/"
AT_ONCE = 64
"""Most messages between two frames: more are a flood, which must not delay the pipeline."""
QUEUE = 128
"""Length of the receive queue, more than `AT_ONCE`. If it is shorter than a flood, old messages wait where nothing
shows them: in the kernel."""
MAX_BYTES = 4096
"""Longest message that is read, both frames together. A message with all fields has less than 100 bytes."""
MAX_RECEIVED = 65536
"""Longest frame that libzmq receives. After a longer one it ends the connection. A full queue then has about 16 MB."""
MOST_FRAMES = 8
"""Most frames of a message that are looked at. If a message has more, the connection is ended."""
MOST_NESTED = 64
"""Most lists and objects in a message (ours). JSON that is nested deeply takes 0.5 ms to refuse: too long 64 times."""
RETRY_S = 1.0
"""Shortest time between two connections that this side begins (ours). libzmq's own attempts are not counted here."""


class ZmqVehicle(VehicleSource):
    """Subscribes to `vehicle/` at `endpoint`; the publisher may start later. Raises `SourceError` on a bad address."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint, self._latest = endpoint, LatestReport()
        self._rejected = self._floods = 0
        self._last_t: float | None = None
        self._opened_t = -math.inf
        where = f"vehicle.input: {endpoint}"
        self._log = FaultLog(where)
        self._silence = SilenceWatch(where, "check the program that publishes speed_kmh on vehicle/ there")
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket: zmq.Socket[bytes] | None = None
        try:
            self._connect()
        except zmq.ZMQError as error:
            self.close()
            raise SourceError(f"vehicle.input: {endpoint}: {error}; expected tcp://127.0.0.1:PORT or ipc://") from None

    def at(self, t: float) -> VehicleData:
        """Read all waiting messages and return the values valid at `t`, in monotonic seconds; None where unknown.

        A message counts from the call before the one that reads it: it may be as old as that. If this is more than
        `STALE_S` ago or more than `AT_ONCE` messages wait, all messages and values are discarded and nothing is known:
        an old standstill must not count as the present. A wrong message is counted and not used.
        """
        since, self._last_t = t if self._last_t is None else self._last_t, t
        try:
            self._keep_connected(t)
            if t - since > STALE_S:
                self._discard(t)
            self._read(t, since)
        except zmq.ZMQError as error:
            self._reject(t, "socket", f"{error}; connected again")
            self._disconnect()
        found = self._latest.at(t)
        self._silence.check(t, found)
        return found

    def counters(self) -> dict[str, int]:
        """Return the number of wrong messages, of calls of `at` that met a flood, and of silences of `SILENT_S`.

        A connection that ended because of a wrong message or of a wrong program at the other end is a wrong message.
        """
        return {
            "vehicle_refused": self._rejected,
            "vehicle_floods": self._floods,
            "vehicle_silences": self._silence.count,
        }

    def close(self) -> None:
        """Close the socket."""
        self._disconnect()
        self._context.destroy(0)

    def _connect(self) -> None:
        socket = self._context.socket(zmq.XSUB)
        try:
            options = {zmq.LINGER: 0, zmq.RCVHWM: QUEUE, zmq.MAXMSGSIZE: MAX_RECEIVED, zmq.IPV6: "[" in self._endpoint}
            for option, value in options.items():
                socket.setsockopt(option, int(value))
            monitor = ConnectionMonitor(self._context, socket)
        except zmq.ZMQError:
            socket.close(0)
            raise
        self._socket, self._monitor = socket, monitor
        socket.connect(self._endpoint)
        socket.send(b"\x01" + TOPIC)

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._monitor.close()
            self._socket.close(0)
            self._socket = None

    def _keep_connected(self, t: float) -> None:
        if self._socket is not None and self._monitor.given_up():
            cause = f"a message of more than {MAX_RECEIVED} bytes, or this is no ZeroMQ publisher"
            self._reject(t, "connection", f"the connection ended: {cause}; connected again")
            self._disconnect()
        if self._socket is None and t - self._opened_t >= RETRY_S:
            self._opened_t = t
            self._connect()

    def _discard(self, t: float) -> None:
        self._latest = LatestReport()
        self._disconnect()
        self._keep_connected(t)

    def _read(self, t: float, since: float) -> None:
        for _ in range(AT_ONCE + 1):
            frames = self._receive()
            if not frames:
                return
            self._take(t, since, frames)
        self._floods += 1
        self._log.report(t, "flood", f"more than {AT_ONCE} messages between two frames; the speed is unknown meanwhile")
        self._discard(t)

    def _receive(self) -> list[zmq.Frame]:
        """Return the frames of the next message, at most `MOST_FRAMES`, without copies; none if no message waits."""
        frames: list[zmq.Frame] = []
        while self._socket is not None and len(frames) < MOST_FRAMES:
            try:
                frames.append(self._socket.recv(zmq.DONTWAIT, copy=False))
            except zmq.Again:
                break
            if not frames[-1].more:
                break
        return frames

    def _take(self, t: float, since: float, frames: list[zmq.Frame]) -> None:
        try:
            self._latest.take(since, _parse(frames))
        except WrongMessageError as error:
            self._reject(t, error.kind, f"{error}; the message is not used")
        if frames[-1].more:
            self._discard(t)

    def _reject(self, t: float, kind: str, text: str) -> None:
        self._rejected += 1
        self._log.report(t, kind, text)


def _parse(frames: list[zmq.Frame]) -> VehicleData:
    size = sum(map(len, frames))
    if size > MAX_BYTES:
        raise WrongMessageError("size", f"a message of {size} bytes; expected at most {MAX_BYTES}")
    if len(frames) != 2:
        number = f"{len(frames)} or more" if frames[-1].more else str(len(frames))
        raise WrongMessageError("frames", f"expected two frames, topic and JSON, found {number}")
    topic, text = (frame.bytes for frame in frames)
    if not topic.startswith(TOPIC):
        raise WrongMessageError("topic", f"expected the topic vehicle/, found {topic!r:.40}")
    if text.count(b"[") + text.count(b"{") > MOST_NESTED:
        raise WrongMessageError("nested", f"more than {MOST_NESTED} lists and objects")
    return parse(text)[0]
