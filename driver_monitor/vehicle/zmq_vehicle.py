"""Speed and ignition from whoever publishes them on ZeroMQ, on this machine."""

from __future__ import annotations

import logging

import zmq

from driver_monitor.errors import SourceError
from driver_monitor.observation import Vehicle
from driver_monitor.vehicle.source import LastWord, parse

TOPIC = b"vehicle/"
AT_ONCE = 64
"""Messages taken in one go: a publisher that floods must not keep the pipeline from its frames."""
QUEUE = 16
"""Messages that wait; only the newest counts, and older ones are read on the way to it."""

log = logging.getLogger(__name__)


class ZmqVehicle:
    """Subscribes to `vehicle/` at `endpoint`, which need not be there yet. Raises `SourceError` on a bad address."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint, self._refused = endpoint, 0
        self._word = LastWord()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, QUEUE)
        self._socket.setsockopt(zmq.MAXMSGSIZE, 4096)
        self._socket.setsockopt(zmq.SUBSCRIBE, TOPIC)
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise SourceError(f"vehicle.input: {endpoint}: {error}; expected tcp://127.0.0.1:PORT or ipc://") from None

    def at(self, t: float) -> Vehicle:
        """Take what has come in and return what is believed at `t`, monotonic seconds."""
        for _ in range(AT_ONCE):
            try:
                frames = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                break
            self._take(t, frames)
        return self._word.at(t)

    def counters(self) -> dict[str, int]:
        """Return how many messages could not be understood."""
        return {"vehicle_refused": self._refused}

    def close(self) -> None:
        """Let go of the socket."""
        self._context.destroy(0)

    def _take(self, t: float, frames: list[bytes]) -> None:
        try:
            if len(frames) != 2:
                raise ValueError(f"expected two frames, topic and JSON, found {len(frames)}")
            self._word.take(t, parse(frames[1])[0])
        except ValueError as error:
            self._refused += 1
            if self._refused == 1:
                log.warning("vehicle.input: %s: %s; counted from now on, not told again", self._endpoint, error)
