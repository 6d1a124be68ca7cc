"""Turns signs into states of buzzer and LED over time. No clock is read: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass

from driver_monitor.data.alert import SIGNS, Sign
from driver_monitor.gpio.pattern import OFF
from driver_monitor.gpio.patterns import OF_SIGN


@dataclass(frozen=True, slots=True)
class PinStates:
    """Whether buzzer and LED are on, and the seconds until one of them changes (None: when the sign changes)."""

    buzzer: bool
    led: bool
    for_s: float | None


class PatternPlayer:
    """Plays the pattern of the present sign.

    `max_buzz_s`: seconds after which the buzzer is off. A more urgent sign restarts this time, and so does a silent
    one.
    """

    def __init__(self, max_buzz_s: float) -> None:
        self._max_buzz_s = max_buzz_s
        self._sign: Sign | None = None
        self._since = 0.0
        self._buzz_since: float | None = None

    def show(self, sign: Sign | None, now: float) -> None:
        """Play `sign` from `now` on, in seconds; None: nothing. A new sign ends the pattern before it at once.

        An equal one is ignored. The first pulse of a pattern begins at once.
        """
        if sign == self._sign:
            return
        more_urgent = _place(sign) < _place(self._sign)
        self._sign, self._since = sign, now
        if sign is None or OF_SIGN[sign].buzzer is OFF:
            self._buzz_since = None
        elif more_urgent or self._buzz_since is None:
            self._buzz_since = now

    def states(self, now: float) -> PinStates:
        """Return what is on at `now`, and for how long."""
        if self._sign is None:
            return PinStates(False, False, None)
        row, elapsed = OF_SIGN[self._sign], now - self._since
        led, led_for = row.led.at(elapsed)
        buzzer, buzzer_for = False, None
        if self._buzz_since is not None and (left := self._buzz_since + self._max_buzz_s - now) > 1e-6:
            buzzer, change = row.buzzer.at(elapsed)
            buzzer_for = left if change is None else min(change, left)
        return PinStates(buzzer, led, min((s for s in (led_for, buzzer_for) if s is not None), default=None))


def _place(sign: Sign | None) -> int:
    """Return the place of `sign` in `SIGNS`, from the most urgent; None comes last."""
    return len(SIGNS) if sign is None else SIGNS.index(sign)
