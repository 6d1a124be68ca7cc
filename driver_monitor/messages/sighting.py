"""Defines the sighting: a picture with what is seen in it, as the daemon sends it to `driver-monitor aim`.

On the socket a sighting is the lengths of both parts (big-endian, 4 bytes each), a JSON object and a JPEG file. The
expression of the face is never in it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from driver_monitor.data.observation import UNKNOWN_VEHICLE, Observation
from driver_monitor.messages import trace

LENGTHS = struct.Struct(">II")
MOST_TEXT, MOST_PICTURE = 64 * 1024, 4 * 1024 * 1024
"""Most bytes of the two parts. An observation has about 2,500, a picture of 640 pixels about 30,000 (ours)."""
LIGHT_AGE_S = 1.0
"""Age at which a measurement of the light on the face is too old. It is made twice a second."""


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One picture with what is seen in it.

    `size`: width and height of the frame, pixels, in which `seen` counts; the JPEG may be smaller. `jpeg`: None if the
    camera gave no picture. `source`: the camera's name, without a password. `driver_side`: that of the configuration.
    `camera`: the state of the camera, judged over time (`DriverState.camera`).
    """

    seen: Observation
    size: tuple[int, int]
    jpeg: bytes | None
    source: str
    driver_side: str = "auto"
    camera: str = "ok"


def encode(sighting: Sighting) -> bytes:
    """Return `sighting` as bytes for the socket, with what `for_installer` leaves of the observation."""
    text = {
        "size": sighting.size,
        "source": sighting.source,
        "driver_side": sighting.driver_side,
        "camera": sighting.camera,
        "seen": trace.encode(0, for_installer(sighting.seen)),
    }
    head, picture = json.dumps(text, separators=(",", ":")).encode(), sighting.jpeg or b""
    return LENGTHS.pack(len(head), len(picture)) + head + picture


def for_installer(seen: Observation) -> Observation:
    """Return `seen` without expression, speed, ignition and the answers of further readers."""
    return replace(seen, expression=None, extra={}, vehicle=UNKNOWN_VEHICLE)


class SightingReader:
    """Puts sightings together from the bytes of a socket, which come in pieces of any length."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[Sighting]:
        """Take `data` and yield the sightings that are complete now. Raises `ValueError` if they are not sightings."""
        self._pending += data
        while len(self._pending) >= LENGTHS.size:
            text, picture = LENGTHS.unpack_from(self._pending)
            if text > MOST_TEXT or picture > MOST_PICTURE:
                raise ValueError("not a sighting: too long")
            middle, end = LENGTHS.size + text, LENGTHS.size + text + picture
            if len(self._pending) < end:
                return
            sighting = _decode(bytes(self._pending[LENGTHS.size : middle]), bytes(self._pending[middle:end]))
            del self._pending[:end]
            yield sighting


def _decode(head: bytes, picture: bytes) -> Sighting:
    from driver_monitor.messages import trace_reader  # the daemon, which only encodes, starts faster without it

    try:
        message = json.loads(head)
        width, height = (int(value) for value in message["size"])
        _, seen = trace_reader.decode(message["seen"])
        source, side, camera = (str(message[name]) for name in ("source", "driver_side", "camera"))
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a sighting: {type(error).__name__}") from None
    if width < 1 or height < 1:
        raise ValueError("not a sighting: no size")
    return Sighting(seen, (width, height), picture or None, source, side, camera)


class FaceLightKeeper:
    """Fills in the last light on the face: it is measured twice a second, and not every observation is shown."""

    def __init__(self) -> None:
        self._kept: Observation | None = None

    def fill(self, seen: Observation) -> Observation:
        """Return `seen` with a light that was measured at most `LIGHT_AGE_S` ago. Call it with every observation."""
        if seen.face is None or seen.face_light is not None:
            self._kept = seen if seen.face_light is not None else None
            return seen
        if self._kept is None or not 0 <= seen.t - self._kept.t <= LIGHT_AGE_S:
            return seen
        return replace(seen, face_light=self._kept.face_light)
