"""Decides which of the faces in the picture is the driver's: the one in the driver's seat. Pure.

The seat is learned: the place and size at which a face was followed for most of the time. The configuration can limit
it to a half of the picture. The person in the seat is the driver, also after a change of drivers. A passenger who leans
in, a face on a phone or a face on clothing is not. Another person outside the seat becomes the driver only after
`patience_s` seconds in one place: with no driver in sight, or with a `likeness` that is clearly higher (`BETTER`).

Lengths are in units of the picture's width, times in seconds. A size is the longer side of the box of a face. All
numbers are ours. Front seats are about 70 cm apart, faces 13 cm high: a passenger is 5 sizes away, leaning over 2.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from driver_monitor.data.observation import Box

Side = Literal["auto", "left", "right"]
"""The half of the picture, as a viewer sees it, in which the driver sits. auto: either half."""

REACH = 1.5
"""Most distance of a face in the driver's seat from the learned place, sizes. Drivers lean and differ in height."""
LIKE_SMALLER, LIKE_LARGER = 0.55, 1.9
"""Limits of a face's size over the learned size. A face on a phone is smaller, a head close to the camera larger."""
SIDE_SLACK = 0.05
"""Share of the picture's width by which the driver may be beyond the middle, if a half is configured as the seat."""
BETTER = 1.25
"""Factor by which the `likeness` of another face must exceed that of the followed face."""
LEAST_PATIENCE_S, MOST_PATIENCE_S = 3.0, 60.0
"""Limits of `patience_s`: another person must be in another place for as long as the present driver was followed, but
3 to 60 s, to become the driver. A wrong start is then soon corrected, and a learned seat changes only after a minute,
for example because the camera was turned. A driver who has collapsed has been reported long before."""
GLIMPSE_S = 0.5
"""A face that was followed for a shorter time may have been anything. Its loss gives it no right to its place."""
MEMORY_S = 300.0
"""Longest time constant of learned place and size, seconds: seats are adjusted, cameras are turned."""
PASSENGER_S = 600.0
"""Seconds for which a face seen beside the driver stays a passenger after it was last seen there. While no driver is
seen, a passenger does not become the driver, even after a minute."""
PASSENGERS = 4
"""Most passengers that are remembered. The one seen longest ago is forgotten first."""
PERSISTENT_S = 6.0
"""Most seconds between two sightings of a person who stays: more than the slowest search period."""
PRINT_BELOW, PRINT_ASIDE = 1.2, 1.25
"""A face on clothes is more than 1.2 sizes below and less than 1.25 sizes beside the wearer's face, in sizes of that
face: below the chin (half a size) and the neck, and between the shoulders."""
_STEP_S = 0.5
"""Seconds between two frames of a followed face above which the time does not count as followed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Centre and size of a face in units of the picture's width."""

    x: float
    y: float
    size: float

    def distance(self, other: Place) -> float:
        """Return how far `other` is away, in sizes of this face."""
        return math.hypot(other.x - self.x, other.y - self.y) / self.size

    def moved(self, share: float, to: Place) -> Place:
        """Return the place and size that are `share`, 0 to 1, of the way from this face to another."""
        x, y, size = to.x - self.x, to.y - self.y, to.size - self.size
        return Place(self.x + share * x, self.y + share * y, self.size + share * size)


def place(box: Box, shape: tuple[int, int]) -> Place:
    """Return centre and longer side of `box`, pixels, in units of the width of a picture of `shape` (H, W)."""
    width = shape[1]
    return Place((box.x + box.w / 2) / width, (box.y + box.h / 2) / width, max(box.w, box.h, 1.0) / width)


def likeness(face: Place, shape: tuple[int, int]) -> float:
    """Return the rank of `face` without regard to the seat. The driver's face is most likely large and in the middle.

    The rank is the face's size, full in the middle of the picture and halved at a corner. `shape`: picture (H, W).
    """
    height = shape[0] / shape[1]
    off = math.hypot(face.x - 0.5, face.y - height / 2) / math.hypot(0.5, height / 2)
    return face.size * (1.0 - 0.5 * min(off, 1.0))


class _Presence:
    """Measures for how long a person who is not the driver has been in one place."""

    def __init__(self) -> None:
        self._place: Place | None = None
        self._since = self._seen = self._patience_s = 0.0
        self._looks = 0

    def present_for(self, t: float, face: Place, patience_s: float) -> bool:
        """Return whether `face` was seen there 3 times or more, for the `patience_s` of the first time. `t`: now."""
        same = self._place is not None and self._place.distance(face) <= REACH and 0 <= t - self._seen <= PERSISTENT_S
        if not same:
            self._since, self._looks, self._patience_s = t, 0, patience_s
        self._place, self._seen = face, t
        self._looks += 1
        return self._looks > 2 and t - self._since >= self._patience_s

    def forget(self) -> None:
        """Start again with the next face."""
        self._place = None


class DriverSeat:
    """Learns the driver's seat and decides which face is the driver's. `t`: now, seconds. `shape`: picture (H, W)."""

    def __init__(self, side: Side = "auto") -> None:
        self._side = side
        self._seat: Place | None = None
        self._last: Place | None = None
        self._last_t: float | None = None
        self._outside_since: float | None = None
        self._new_face, self._other_face = _Presence(), _Presence()
        self._passengers: list[tuple[Place, float]] = []
        self.followed_s = 0.0
        """Seconds for which a face has been followed in the seat."""
        self.settled = False
        """Whether a face was followed in the seat for `MOST_PATIENCE_S`. False again if the seat moves."""

    @property
    def known(self) -> bool:
        """Whether a face was followed in the seat for `LEAST_PATIENCE_S`, enough to tell the seat from other places."""
        return self._seat is not None and self.followed_s >= LEAST_PATIENCE_S

    @property
    def patience_s(self) -> float:
        """Seconds that another person must stay in one place to become the driver: `followed_s`, limited to 3 to 60."""
        return min(max(self.followed_s, LEAST_PATIENCE_S), MOST_PATIENCE_S)

    def holds(self, face: Place) -> bool:
        """Return whether `face` has the seat's place and size. Until it is `known`, only the configured half counts."""
        if not self._on_side(face):
            return False
        if self._seat is None or not self.known:
            return True
        ratio = face.size / self._seat.size
        return LIKE_SMALLER <= ratio <= LIKE_LARGER and self._seat.distance(face) <= REACH

    def follow(self, t: float, face: Place) -> None:
        """Learn the seat from the driver's `face`. A face outside a `known` seat for `patience_s` moves the seat."""
        step = 0.0 if self._last_t is None else t - self._last_t
        step = step if 0.0 < step <= _STEP_S else 0.0
        self._last, self._last_t = face, t
        if self._seat is not None and not self.known and self._seat.distance(face) > REACH:
            # A short stay elsewhere does not belong to this seat.
            self._move(face)
        if self._seat is not None and not self.holds(face):
            # It was followed to its place, so it is the driver's. If it stays there, the seat has moved.
            self._outside_since = t if self._outside_since is None else self._outside_since
            if self._on_side(face) and t - self._outside_since >= self.patience_s:
                self._move(face)
            return
        self._outside_since = None
        self._new_face.forget()
        if self._seat is None:
            self._move(face)
            return
        self.followed_s += step
        self.settled = self.followed_s >= MOST_PATIENCE_S
        share = step / max(min(self.followed_s, MEMORY_S), step, 1e-6)
        self._seat = self._seat.moved(share, face)

    def choose(self, t: float, faces: Sequence[Place], shape: tuple[int, int]) -> int | None:
        """Return the index of the driver in `faces`, found while no face was followed. None: no driver yet.

        A face in the seat, or near the place of a loss up to 3 s ago, comes first. Until the seat is `known`, such a
        loss leaves only that place: a head does not jump to another seat, and a driver who looks over the shoulder
        comes back. Else the new face of most `likeness` becomes the driver, and moves the seat, after `patience_s`.
        Remembered passengers and prints on clothes do not.
        """
        real = [i for i, face in enumerate(faces) if not any(_is_print(face, other) for other in faces)]
        seated = [i for i in (range(len(faces)) if self.known else real) if self._may_be_driver(t, faces[i])]
        if seated:
            return max(seated, key=lambda i: self._rank(faces[i], shape))
        new = [i for i in real if self._on_side(faces[i]) and not self._is_passenger(t, faces[i])]
        if not new:
            return None
        best = max(new, key=lambda i: likeness(faces[i], shape))
        if not self._new_face.present_for(t, faces[best], self.patience_s):
            return None
        self._move(faces[best])
        return best

    def review(self, t: float, followed: Place, others: Sequence[Place], shape: tuple[int, int]) -> int | None:
        """Return the index of the driver in `others`, seen beside `followed`. None: `followed` stays the driver.

        A face in the seat takes over at once if `followed` is outside, or is a print on clothes (until `known`). A face
        of clearly more `likeness` (`BETTER`) takes over, and moves the seat, after `patience_s`.
        """
        real = [i for i in range(len(others)) if not _is_print(others[i], followed)]
        is_print = not self.known and any(_is_print(followed, others[i]) for i in real)
        if is_print or not self.holds(followed):
            seated = [i for i in real if self.holds(others[i])]
            if seated:
                return max(seated, key=lambda i: self._rank(others[i], shape))
        rivals = [i for i in real if self._on_side(others[i])]
        best = max(rivals, key=lambda i: likeness(others[i], shape), default=None)
        if best is not None and likeness(others[best], shape) > BETTER * likeness(followed, shape):
            if self._other_face.present_for(t, others[best], self.patience_s):
                self._move(others[best])
                return best
        else:
            self._other_face.forget()
            best = None
        self._remember(t, [others[i] for i in real if i != best])
        return None

    def _may_be_driver(self, t: float, face: Place) -> bool:
        """Return whether `face` is in the seat, or near the place where the driver was lost at most 3 s ago."""
        if self._last is None or self._last_t is None or t - self._last_t > LEAST_PATIENCE_S:
            return self.holds(face)
        # The last look at a face that turns away is often of a part of it, so the seat's size counts if it is larger.
        size = self._last.size if self._seat is None else max(self._last.size, self._seat.size)
        near = replace(self._last, size=size).distance(face) <= REACH
        if near and self._on_side(face) and not self._is_passenger(t, face):
            return True
        return self.holds(face) and (self.known or self.followed_s < GLIMPSE_S)

    def _move(self, face: Place) -> None:
        """Make the place of `face` the seat, and begin to learn it."""
        self._seat, self.followed_s, self.settled, self._outside_since = face, 0.0, False, None
        self._new_face.forget()
        self._other_face.forget()
        self._passengers = [known for known in self._passengers if known[0].distance(face) > REACH]

    def _rank(self, face: Place, shape: tuple[int, int]) -> float:
        """Return the rank of a face that may be the driver's: nearness to the seat if it is known, else `likeness`."""
        if self._seat is None or not self.known:
            return likeness(face, shape)
        return -self._seat.distance(face) - abs(math.log(face.size / self._seat.size))

    def _on_side(self, face: Place) -> bool:
        if self._side == "auto":
            return True
        return face.x <= 0.5 + SIDE_SLACK if self._side == "left" else face.x >= 0.5 - SIDE_SLACK

    def _is_passenger(self, t: float, face: Place) -> bool:
        return any(t - seen <= PASSENGER_S and known.distance(face) <= REACH for known, seen in self._passengers)

    def _remember(self, t: float, faces: Sequence[Place]) -> None:
        """Remember passengers outside the seat. One who leans into the seat does not change the seat."""
        for face in faces:
            if self.known and not self.holds(face):
                others = [known for known in self._passengers if known[0].distance(face) > REACH]
                self._passengers = [*others, (face, t)][-PASSENGERS:]


def _is_print(face: Place, other: Place) -> bool:
    """Return whether `face` is a picture on the clothes of `other` or held before them: below and smaller."""
    below, aside = (face.y - other.y) / other.size, abs(face.x - other.x) / other.size
    return below > PRINT_BELOW and aside < PRINT_ASIDE and face.size < other.size
