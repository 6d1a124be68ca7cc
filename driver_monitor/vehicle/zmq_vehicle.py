"""Speed and ignition from whoever publishes them on ZeroMQ, on this machine."""

from __future__ import annotations

import logging

import zmq

from driver_monitor.data.observation import UNKNOWN_VEHICLE, VehicleData
from driver_monitor.errors import SourceError
from driver_monitor.vehicle.source import STALE_S, LatestReport, parse

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
        self._word = LatestReport()
        self._floods = 0
        self._asked_t: float | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            self._socket = self._connect()
        except zmq.ZMQError as error:
            self.close()
            raise SourceError(f"vehicle.input: {endpoint}: {error}; expected tcp://127.0.0.1:PORT or ipc://") from None

    def at(self, t: float) -> VehicleData:
        """Take what has come in and return what is believed at `t`, monotonic seconds.

        A message counts from when it is read. Where that cannot be so, after a pause of ours or in a flood, what has
        piled up is thrown away: an old standstill must not pass for the present.
        """
        if self._asked_t is not None and t - self._asked_t > STALE_S:
            self._throw_away()
        self._asked_t = t
        for _ in range(AT_ONCE):
            try:
                frames = self._socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return self._word.at(t)
            self._take(t, frames)
        self._floods += 1
        self._throw_away()
        return UNKNOWN_VEHICLE

    def counters(self) -> dict[str, int]:
        """Return how many messages could not be understood, and how often there were too many."""
        return {"vehicle_refused": self._refused, "vehicle_floods": self._floods}

    def close(self) -> None:
        """Let go of the socket."""
        self._context.destroy(0)

    def _connect(self) -> zmq.Socket[bytes]:
        found = self._context.socket(zmq.SUB)
        for option, value in ((zmq.LINGER, 0), (zmq.RCVHWM, QUEUE), (zmq.MAXMSGSIZE, 4096)):
            found.setsockopt(option, value)
        found.setsockopt(zmq.SUBSCRIBE, TOPIC)
        found.connect(self._endpoint)
        return found

    def _throw_away(self) -> None:
        self._word = LatestReport()
        self._socket.close(0)
        self._socket = self._connect()

    def _take(self, t: float, frames: list[bytes]) -> None:
        try:
            if len(frames) != 2:
                raise ValueError(f"expected two frames, topic and JSON, found {len(frames)}")
            self._word.take(t, parse(frames[1])[0])
        except ValueError as error:
            self._refused += 1
            if self._refused == 1:
                log.warning("vehicle.input: %s: %s; counted from now on, not told again", self._endpoint, error)
