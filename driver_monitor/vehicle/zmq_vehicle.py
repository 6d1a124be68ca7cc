"""Receives speed and ignition from another program on this machine, through ZeroMQ."""

from __future__ import annotations

import logging

import zmq

from driver_monitor.data.observation import UNKNOWN_VEHICLE, VehicleData
from driver_monitor.errors import SourceError
from driver_monitor.vehicle.source import STALE_S, LatestReport, VehicleSource, parse

TOPIC = b"vehicle/"
AT_ONCE = 64
"""Most messages read for one frame: a publisher that sends too many must not delay the pipeline."""
QUEUE = 16
"""Length of the receive queue. Only the newest message counts."""

log = logging.getLogger(__name__)


class ZmqVehicle(VehicleSource):
    """Subscribes to `vehicle/` at `endpoint`; the publisher may start later. Raises `SourceError` on a bad address."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint, self._latest = endpoint, LatestReport()
        self._rejected = self._floods = 0
        self._last_t: float | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            self._socket = self._connect()
        except zmq.ZMQError as error:
            self.close()
            raise SourceError(f"vehicle.input: {endpoint}: {error}; expected tcp://127.0.0.1:PORT or ipc://") from None

    def at(self, t: float) -> VehicleData:
        """Read all waiting messages and return the values valid at `t`, in monotonic seconds; None where unknown.

        A message gets the time at which it is read. That time may be wrong if the last call is more than `STALE_S` ago
        or `AT_ONCE` messages wait. Then all messages and values are discarded and nothing is known: an old standstill
        must not count as the present. A wrong message is counted and not used.
        """
        if self._last_t is not None and t - self._last_t > STALE_S:
            self._discard()
        self._last_t = t
        for _ in range(AT_ONCE):
            try:
                frames = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return self._latest.at(t)
            self._take(t, frames)
        self._floods += 1
        self._discard()
        return UNKNOWN_VEHICLE

    def counters(self) -> dict[str, int]:
        """Return the number of wrong messages, and of calls of `at` that met at least `AT_ONCE` messages."""
        return {"vehicle_refused": self._rejected, "vehicle_floods": self._floods}

    def close(self) -> None:
        """Close the socket."""
        self._context.destroy(0)

    def _connect(self) -> zmq.Socket[bytes]:
        subscriber = self._context.socket(zmq.SUB)
        for option, value in ((zmq.LINGER, 0), (zmq.RCVHWM, QUEUE), (zmq.MAXMSGSIZE, 4096)):
            subscriber.setsockopt(option, value)
        subscriber.setsockopt(zmq.SUBSCRIBE, TOPIC)
        subscriber.connect(self._endpoint)
        return subscriber

    def _discard(self) -> None:
        self._latest = LatestReport()
        self._socket.close(0)
        self._socket = self._connect()

    def _take(self, t: float, frames: list[bytes]) -> None:
        try:
            if len(frames) != 2:
                raise ValueError(f"expected two frames, topic and JSON, found {len(frames)}")
            self._latest.take(t, parse(frames[1])[0])
        except ValueError as error:
            self._rejected += 1
            if self._rejected == 1:
                log.warning("vehicle.input: %s: %s; later ones are only counted", self._endpoint, error)
