"""Defines one pattern of a buzzer or an LED: bursts of equal pulses. No clock is read: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pattern:
    """Durations of on, off, on, off ... in seconds, repeated. One entry: always on. No entry: always off."""

    seconds: tuple[float, ...] = ()

    def at(self, elapsed: float) -> tuple[bool, float | None]:
        """Return whether the pin is on `elapsed` seconds after the start, and seconds to its change (None: never)."""
        if len(self.seconds) < 2:
            return bool(self.seconds), None
        # Plus 1 ns: a call exactly at a change must return the new state in spite of rounding.
        phase = (elapsed + 1e-9) % sum(self.seconds)
        end = 0.0
        for index, length in enumerate(self.seconds):
            end += length
            if phase < end:
                return index % 2 == 0, max(end - phase, 1e-6)
        return False, self.seconds[-1]

    @property
    def pulses(self) -> int:
        """The number of pulses in a burst; 0 if the pattern never changes."""
        return len(self.seconds) // 2

    @property
    def every_s(self) -> float:
        """The time from the start of a burst to the start of the next one, seconds; 0.0 if it never changes."""
        return round(sum(self.seconds), 3) if self.pulses else 0.0

    def words(self) -> str:
        """Return the pattern as a table shows it: `2 x 0.12 s every 1.5 s`, `on` or `off`."""
        if not self.pulses:
            return "on" if self.seconds else "off"
        return f"{self.pulses} x {self.seconds[0]:g} s every {self.every_s:g} s"

    def durations(self) -> str:
        """Return the pattern as text: `on 0.12, off 0.12, on 0.12, off 1.14 s, repeated`, `on` or `off`."""
        if not self.pulses:
            return self.words()
        parts = (f"{'off' if index % 2 else 'on'} {length:g}" for index, length in enumerate(self.seconds))
        return f"{', '.join(parts)} s, repeated"


def bursts(pulses: int, on_s: float, off_s: float, every_s: float) -> Pattern:
    """Return bursts of `pulses` pulses of `on_s` seconds, `off_s` apart, one burst each `every_s` seconds."""
    burst = (on_s, off_s) * (pulses - 1) + (on_s,)
    return Pattern((*burst, round(every_s - sum(burst), 3)))


OFF = Pattern()
STEADY = Pattern((1.0,))
