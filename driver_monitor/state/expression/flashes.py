"""Finds flashes: expressions that last up to half a second. They do not change the expression that is held. Pure."""

from __future__ import annotations

from dataclasses import dataclass

FLASH_S = 0.5
"""Longest flash: micro-expressions last up to half a second (Yan et al., J. Nonverbal Behav. 37, 2013)."""
SHORTEST_S = 0.12
"""Shortest flash. Speech shapes the mouth for a tenth of a second. The shortest ones of Yan et al. last 0.17 s, and the
net sees the middle of them."""
FOLLOWS_S, ONSET_S = 0.1, 0.05
"""When the face moves, the net looks at every frame. So if the second look follows the first within `FOLLOWS_S`, the
expression began at most `ONSET_S` before its first look, however long ago the look before it was."""
SHOWN_S = 2.0
"""A flash is reported for so long after its end."""
_ROUNDING_S = 1e-3


@dataclass(slots=True)
class _Run:
    """Looks in a row at one class. `start`: when it began, None if it was there at the first look. Seconds."""

    name: str
    start: float | None
    last: float
    looks: int = 1


class Flashes:
    """Finds flashes among single looks at the face.

    A flash is two or more looks in a row with the same class, between looks without it, and `SHORTEST_S` to `FLASH_S`
    long. It begins half-way between the look before it and its first look, but see `ONSET_S`. It ends half-way between
    its last look and the next one. At four looks a second only flashes of about half a second are found.
    """

    def __init__(self) -> None:
        self._before: float | None = None
        self._run: _Run | None = None
        self._last: tuple[str, float] | None = None

    def look(self, t: float, shown: str | None, likely: str | None) -> None:
        """Take the look at `t`, seconds, later than the last.

        `shown`: the class that is clearly shown, with which a flash begins; None if neutral or unclear. `likely`: the
        class that is more probable than not, with which it goes on; None if neutral or none.
        """
        run = self._run
        if run is not None and likely == run.name:
            if run.looks == 1 and run.start is not None and t - run.last <= FOLLOWS_S + _ROUNDING_S:
                run.start = max(run.start, run.last - ONSET_S)
            run.last, run.looks = t, run.looks + 1
        else:
            self._end(t)
            start = None if self._before is None else (self._before + t) / 2
            self._run = None if shown is None else _Run(shown, start, t)
        self._before = t

    def recent(self, t: float) -> str | None:
        """Return the class of the last flash if the look after the flash is at most `SHOWN_S` before `t`, else None."""
        return self._last[0] if self._last is not None and t - self._last[1] <= SHOWN_S else None

    def _end(self, t: float) -> None:
        run = self._run
        if run is None or run.start is None or run.looks < 2:
            return
        if SHORTEST_S - _ROUNDING_S <= (run.last + t) / 2 - run.start <= FLASH_S + _ROUNDING_S:
            self._last = (run.name, t)
