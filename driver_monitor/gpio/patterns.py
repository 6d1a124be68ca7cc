"""What the buzzer and the LED do at each level, as tables in seconds. Pure: time comes in, on or off comes out."""

from __future__ import annotations

from dataclasses import dataclass

from driver_monitor.data.alert import LEVELS, Level


@dataclass(frozen=True, slots=True)
class Pattern:
    """On, off, on, off ... for so many seconds each, then again from the start. One entry: on for ever; none: off."""

    seconds: tuple[float, ...] = ()

    def at(self, elapsed: float) -> tuple[bool, float | None]:
        """Return whether it is on `elapsed` seconds after its start, and the seconds to its next change, if any."""
        if len(self.seconds) < 2:
            return bool(self.seconds), None
        # a nanosecond forward: a wake-up at exactly the time of a change must be past it, whatever rounding does
        phase = (elapsed + 1e-9) % sum(self.seconds)
        end = 0.0
        for index, length in enumerate(self.seconds):
            end += length
            if phase < end:
                return index % 2 == 0, max(end - phase, 1e-6)
        return False, self.seconds[-1]


OFF = Pattern()
STEADY = Pattern((1.0,))
SLOW_BLINK = Pattern((1.0, 1.0))
"""0.5 Hz, the slow flash of IEC 60073 (0.4 to 0.8 Hz): noticed when looked at, does not call the eye off the road."""
FAST_BLINK = Pattern((0.2, 0.2))
"""2.5 Hz, its normal flash (1.4 to 2.8 Hz); below the 3 flashes a second that WCAG 2.3.1 holds to be safe."""
DOUBLE_BEEPS = Pattern((0.12, 0.12, 0.12, 1.14))
"""Two short pulses every 1.5 s: two are told from the single beeps of seat belts and parking aids, and the pause
leaves room to react. Pulses follow faster at the next level, since urgency is heard in the speed of pulses
(Edworthy, Loxley and Dennis, Human Factors 33(2), 1991)."""
FAST_BEEPS = Pattern((0.1, 0.1))
"""5 pulses a second without a pause: the fastest that small active buzzers with their slow rise still give as
pulses, and a row of pulses wakes better than a steady tone."""

LED: dict[Level | None, Pattern] = {None: OFF, "info": SLOW_BLINK, "warning": FAST_BLINK, "critical": STEADY}
"""Steady at critical: an eye that opens for an instant must find it lit."""
BUZZER: dict[Level | None, Pattern] = {None: OFF, "info": OFF, "warning": DOUBLE_BEEPS, "critical": FAST_BEEPS}
"""EU 2023/2590 asks for a visual plus an acoustic or haptic warning; an advisory (info) must not nag."""


@dataclass(frozen=True, slots=True)
class PinStates:
    """Whether buzzer and LED are on, and how many seconds that holds (None: until the level changes)."""

    buzzer: bool
    led: bool
    for_s: float | None


class PatternPlayer:
    """Turns levels into signals.

    `max_buzz_s`: the buzzer falls silent after so long in one go; a worse level, or quiet in between, starts anew.
    """

    def __init__(self, max_buzz_s: float) -> None:
        self._max_buzz_s = max_buzz_s
        self._level: Level | None = None
        self._since = 0.0
        self._buzz_since: float | None = None

    def level(self, level: Level | None, now: float) -> None:
        """Take the worst active level at `now`, seconds; its pattern starts at once, from its beginning."""
        if level == self._level:
            return
        worse = _rank(level) > _rank(self._level)
        self._level, self._since = level, now
        if BUZZER[level] is OFF:
            self._buzz_since = None
        elif worse or self._buzz_since is None:
            self._buzz_since = now

    def signals(self, now: float) -> PinStates:
        """Return what is on at `now`, and for how long."""
        led, led_for = LED[self._level].at(now - self._since)
        buzzer, buzzer_for = False, None
        if self._buzz_since is not None and (left := self._buzz_since + self._max_buzz_s - now) > 1e-6:
            buzzer, change = BUZZER[self._level].at(now - self._since)
            buzzer_for = left if change is None else min(change, left)
        return PinStates(buzzer, led, min((s for s in (led_for, buzzer_for) if s is not None), default=None))


def _rank(level: Level | None) -> int:
    return -1 if level is None else LEVELS.index(level)
