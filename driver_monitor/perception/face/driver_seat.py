"""Which of the faces in the picture is the driver's: the one in the driver's seat (pure).

The seat is told by the configuration (a half of the picture) or learned: the place and size at which a face was
followed for most of the time. Whoever sits there is the driver, the next driver too; a passenger who leans in, a face
on a telephone or on clothing is not, and while the driver is turned away or lost nobody else takes over.

Lengths in units of the picture's width, times in seconds. "Sizes" are sizes of the driver's own face, the longer side
of its box. All numbers are ours: two front seats stand about 70 cm apart and a face from brow to chin is about 13 cm
high, so that a passenger sits some five sizes away and, leaning over, some two and a half.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from driver_monitor.data.observation import Box

Side = Literal["auto", "left", "right"]
"""The half of the picture, as one sees it, in which the driver sits; auto: learned."""

REACH = 1.5
"""A face is in the driver's seat within so many sizes of the learned place: leaning, and the next driver's height."""
LIKE_SMALLER, LIKE_LARGER = 0.55, 1.9
"""And if it is so much smaller or larger than what was learned: a phone's screen is smaller, a head leaning into the
camera larger."""
SIDE_SLACK = 0.05
"""A driver on a configured side may reach so far over the middle of the picture, as a share of its width."""
BETTER = 1.25
"""A challenger must look so much more like a driver (`likeness`) than whoever is followed."""
LEAST_PATIENCE_S, MOST_PATIENCE_S = 3.0, 60.0
"""How long somebody elsewhere must have been there to become the driver: as long as the present one was followed,
between these. A wrong start is soon corrected; a settled seat changes only when the camera was turned or nothing else
makes sense, and a driver who has collapsed has been reported long before."""
MEMORY_S = 300.0
"""Time constant of the learned place and size: seats are adjusted, cameras are turned."""
PASSENGER_S = 600.0
"""A face seen beside the driver is a passenger for so long after it was last seen there; even a minute without the
driver does not make one of it."""
PASSENGERS = 4
"""So many passengers are remembered at most; the one seen longest ago is forgotten first."""
PERSISTENT_S = 6.0
"""Somebody not seen for so long was not there all the time. More than one period of the slowest look around."""
WORN_BELOW, WORN_ASIDE = 1.2, 1.25
"""A picture on clothes begins below the chin (half a size) and the neck, and no wider than the shoulders; sizes of the
wearer's face."""
_STEP_S = 0.5
"""More time between two looks at a followed face than this was not spent following it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Centre and size of a face in units of the picture's width."""

    x: float
    y: float
    size: float

    def distance(self, other: Place) -> float:
        """Return how far `other` is away, in sizes of this face."""
        return math.hypot(other.x - self.x, other.y - self.y) / self.size


def place(box: Box, shape: tuple[int, int]) -> Place:
    """Return where `box` is in a picture of `shape` (H, W)."""
    width = shape[1]
    return Place((box.x + box.w / 2) / width, (box.y + box.h / 2) / width, max(box.w, box.h, 1.0) / width)


def likeness(face: Place, shape: tuple[int, int]) -> float:
    """Return how much a face looks like the one a camera was aimed at: its size, less towards the picture's edge.

    At the corner a face counts half. This is all there is to go by before the seat is learned.
    """
    height = shape[0] / shape[1]
    off = math.hypot(face.x - 0.5, face.y - height / 2) / math.hypot(0.5, height / 2)
    return face.size * (1.0 - 0.5 * min(off, 1.0))


class _Presence:
    """Since when somebody who is not the driver has been in one place, and for how long that must be."""

    def __init__(self) -> None:
        self._place: Place | None = None
        self._since = self._seen = self._patience_s = 0.0
        self._looks = 0

    def outlasts(self, t: float, face: Place, patience_s: float) -> bool:
        """Say whether this face, seen at `t`, has been there for the patience that counted when it came."""
        same = self._place is not None and self._place.distance(face) <= REACH and 0 <= t - self._seen <= PERSISTENT_S
        if not same:
            self._since, self._looks, self._patience_s = t, 0, patience_s
        self._place, self._seen = face, t
        self._looks += 1
        return self._looks > 2 and t - self._since >= self._patience_s

    def forget(self) -> None:
        """Let the next one begin anew."""
        self._place = None


class DriverSeat:
    """Learns the driver's seat and says who sits in it; `shape` is the picture's (H, W)."""

    def __init__(self, side: Side = "auto") -> None:
        self._side = side
        self._seat: Place | None = None
        self._last: Place | None = None
        self._last_t: float | None = None
        self._outside_since: float | None = None
        self._stranger, self._challenger = _Presence(), _Presence()
        self._passengers: list[tuple[Place, float]] = []
        self.followed_s = 0.0
        """For how long a face has been followed in the seat."""

    @property
    def known(self) -> bool:
        """Whether a face has been followed for long enough to tell its place from others."""
        return self._seat is not None and self.followed_s >= LEAST_PATIENCE_S

    @property
    def settled(self) -> bool:
        """Whether the seat has been learned for good."""
        return self.followed_s >= MOST_PATIENCE_S

    @property
    def patience_s(self) -> float:
        """How long somebody elsewhere must have been there to become the driver, seconds."""
        return min(max(self.followed_s, LEAST_PATIENCE_S), MOST_PATIENCE_S)

    def holds(self, face: Place) -> bool:
        """Say whether `face` is in the driver's seat, as far as it is known."""
        if not self._on_side(face):
            return False
        if self._seat is None or not self.known:
            return True
        ratio = face.size / self._seat.size
        return LIKE_SMALLER <= ratio <= LIKE_LARGER and self._seat.distance(face) <= REACH

    def follow(self, t: float, face: Place) -> None:
        """Learn from the driver's face at `t`."""
        step = 0.0 if self._last_t is None else t - self._last_t
        step = step if 0.0 < step <= _STEP_S else 0.0
        self._last, self._last_t = face, t
        if self._seat is not None and not self.known and self._seat.distance(face) > REACH:
            # So short a stay elsewhere is no part of this seat.
            self._move(face)
        if self._seat is not None and not self.holds(face):
            # It was followed to where it is, so it is the driver's; one who stays there has moved the seat.
            self._outside_since = t if self._outside_since is None else self._outside_since
            if self._on_side(face) and t - self._outside_since >= self.patience_s:
                self._move(face)
            return
        self._outside_since = None
        self._stranger.forget()
        if self._seat is None:
            self._move(face)
            return
        self.followed_s += step
        share = step / max(min(self.followed_s, MEMORY_S), step, 1e-6)
        old = self._seat
        self._seat = Place(*(a + share * (b - a) for a, b in zip(_parts(old), _parts(face), strict=True)))

    def choose(self, t: float, faces: Sequence[Place], shape: tuple[int, int]) -> int | None:
        """Return which of `faces`, found while nobody was followed, is the driver's; None: none of them."""
        real = [i for i, face in enumerate(faces) if not any(_is_worn(face, other) for other in faces)]
        seated = [i for i in (range(len(faces)) if self.known else real) if self._seats(t, faces[i])]
        if seated:
            return max(seated, key=lambda i: self._rank(faces[i], shape))
        strangers = [i for i in real if self._on_side(faces[i]) and not self._is_passenger(t, faces[i])]
        if not strangers:
            return None
        best = max(strangers, key=lambda i: likeness(faces[i], shape))
        if not self._stranger.outlasts(t, faces[best], self.patience_s):
            return None
        self._move(faces[best])
        return best

    def review(self, t: float, followed: Place, others: Sequence[Place], shape: tuple[int, int]) -> int | None:
        """Return which of `others`, seen beside the face that is `followed`, is the driver instead; None: none."""
        real = [i for i in range(len(others)) if not _is_worn(others[i], followed)]
        worn = not self.known and any(_is_worn(followed, others[i]) for i in real)
        if worn or not self.holds(followed):
            seated = [i for i in real if self.holds(others[i])]
            if seated:
                return max(seated, key=lambda i: self._rank(others[i], shape))
        rivals = [i for i in real if self._on_side(others[i])]
        best = max(rivals, key=lambda i: likeness(others[i], shape), default=None)
        if best is not None and likeness(others[best], shape) > BETTER * likeness(followed, shape):
            if self._challenger.outlasts(t, others[best], self.patience_s):
                self._move(others[best])
                return best
        else:
            self._challenger.forget()
            best = None
        self._remember(t, [others[i] for i in real if i != best])
        return None

    def _seats(self, t: float, face: Place) -> bool:
        """Say whether `face` is in the seat, or where the driver leaned when lost a moment ago."""
        if self.holds(face):
            return True
        if self._last is None or self._last_t is None or t - self._last_t > LEAST_PATIENCE_S:
            return False
        return self._on_side(face) and self._last.distance(face) <= REACH and not self._is_passenger(t, face)

    def _move(self, face: Place) -> None:
        """Take the place of `face` for the seat, and begin to learn it."""
        self._seat, self.followed_s, self._outside_since = face, 0.0, None
        self._stranger.forget()
        self._challenger.forget()
        self._passengers = [known for known in self._passengers if known[0].distance(face) > REACH]

    def _rank(self, face: Place, shape: tuple[int, int]) -> float:
        """Return how much a face that may be the driver's is: near the seat once it is known, else by its looks."""
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
        """Note passengers where nobody is but them; one who leans into the seat is no reason to distrust the seat."""
        for face in faces:
            if self.known and not self.holds(face):
                others = [known for known in self._passengers if known[0].distance(face) > REACH]
                self._passengers = [*others, (face, t)][-PASSENGERS:]


def _parts(face: Place) -> tuple[float, float, float]:
    return face.x, face.y, face.size


def _is_worn(face: Place, other: Place) -> bool:
    """Say whether `face` is a picture on the clothes of `other`, or held before them: under it, and not larger."""
    below, aside = (face.y - other.y) / other.size, abs(face.x - other.x) / other.size
    return below > WORN_BELOW and aside < WORN_ASIDE and face.size < other.size
