"""Flashes: expressions that last up to half a second. They are kept apart from expressions that are held. Pure."""

from __future__ import annotations

FLASH_S = 0.5
"""Longest flash: micro-expressions last up to half a second (Yan et al., J. Nonverbal Behav. 37, 2013)."""
SHOWN_S = 2.0
"""A flash is reported for so long after its end."""


class Flashes:
    """Finds flashes among single looks at the face.

    A flash is two or more looks in a row that agree, between looks that do not. Its length counts from half-way between
    the look before and its first to half-way between its last and the next. At four a second only flashes of about half
    a second are found.
    """

    def __init__(self) -> None:
        self._before: float | None = None
        self._run: tuple[str, float | None, float, int] | None = None
        self._last: tuple[str, float] | None = None

    def look(self, t: float, shown: str | None) -> None:
        """Take a look at `t`, seconds, later than the last one. `shown`: what it clearly shows, None for nothing."""
        if self._run is not None and shown != self._run[0]:
            self._end(t)
        if shown is not None:
            name, start, _, count = self._run or (shown, self._middle(t), t, 0)
            self._run = (name, start, t, count + 1)
        self._before = t

    def recent(self, t: float) -> str | None:
        """Return the last flash if it ended within `SHOWN_S` before `t`, else None."""
        return self._last[0] if self._last is not None and t - self._last[1] <= SHOWN_S else None

    def _middle(self, t: float) -> float | None:
        return None if self._before is None else (self._before + t) / 2

    def _end(self, t: float) -> None:
        assert self._run is not None
        name, start, last, count = self._run
        if start is not None and count > 1 and (last + t) / 2 - start <= FLASH_S + 1e-6:
            self._last = (name, t)
        self._run = None
