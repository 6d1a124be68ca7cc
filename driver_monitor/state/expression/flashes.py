"""Finds flashes: expressions that last up to half a second. They do not change the expression that is held. Pure."""

from __future__ import annotations

FLASH_S = 0.5
"""Longest flash: micro-expressions last up to half a second (Yan et al., J. Nonverbal Behav. 37, 2013)."""
SHOWN_S = 2.0
"""A flash is reported for so long after its end."""


class Flashes:
    """Finds flashes among single looks at the face.

    A flash is two or more looks in a row with the same class, between looks without it, and at most `FLASH_S` long.
    It begins half-way between the look before it and its first look. It ends half-way between its last look and the
    next one. At four looks a second only flashes of about half a second are found.
    """

    def __init__(self) -> None:
        self._before: float | None = None
        self._run: tuple[str, float | None, float, int] | None = None
        self._last: tuple[str, float] | None = None

    def look(self, t: float, shown: str | None) -> None:
        """Take the look at `t`, seconds, later than the last. `shown`: the clear class, None if neutral or unclear."""
        if self._run is not None and shown != self._run[0]:
            self._end(t)
        if shown is not None:
            name, start, _, count = self._run or (shown, self._middle(t), t, 0)
            self._run = (name, start, t, count + 1)
        self._before = t

    def recent(self, t: float) -> str | None:
        """Return the class of the last flash if the look after the flash is at most `SHOWN_S` before `t`, else None."""
        return self._last[0] if self._last is not None and t - self._last[1] <= SHOWN_S else None

    def _middle(self, t: float) -> float | None:
        return None if self._before is None else (self._before + t) / 2

    def _end(self, t: float) -> None:
        assert self._run is not None
        name, start, last, count = self._run
        if start is not None and count > 1 and (last + t) / 2 - start <= FLASH_S + 1e-6:
            self._last = (name, t)
        self._run = None
