"""Expressions that come and go within half a second, kept apart from those that are held. Pure."""

from __future__ import annotations

FLASH_S = 0.5
"""Longest flash: micro-expressions last up to half a second (Yan et al., J. Nonverbal Behav. 37, 2013)."""
TOLD_S = 2.0
"""So long a flash is told after its end."""


class Flashes:
    """Finds flashes among single looks.

    A flash needs two looks that agree and others around them; how long it lasted is counted to the middle between the
    looks. At four looks a second that sees those of about half a second only, shorter ones need more looks.
    """

    def __init__(self) -> None:
        self._before: float | None = None
        self._run: tuple[str, float | None, float, int] | None = None
        self._last: tuple[str, float] | None = None

    def look(self, t: float, shown: str | None) -> None:
        """Take a look at `t` (seconds, later than the last one): what it clearly `shown`, None for nothing."""
        if self._run is not None and shown != self._run[0]:
            self._end(t)
        if shown is not None:
            name, start, _, count = self._run or (shown, self._middle(t), t, 0)
            self._run = (name, start, t, count + 1)
        self._before = t

    def told(self, t: float) -> str | None:
        """Return the last flash, if it ended within `TOLD_S` of `t`."""
        return self._last[0] if self._last is not None and t - self._last[1] <= TOLD_S else None

    def _middle(self, t: float) -> float | None:
        return None if self._before is None else (self._before + t) / 2

    def _end(self, t: float) -> None:
        assert self._run is not None
        name, start, last, count = self._run
        if start is not None and count > 1 and (last + t) / 2 - start <= FLASH_S + 1e-6:
            self._last = (name, t)
        self._run = None
