"""Times the present look away from the road ahead by its target, and sums the repeated ones."""

from __future__ import annotations

from typing import NamedTuple

from driver_monitor.data.driver_state import GazeTarget, GazeTask, LookMovement, TargetLook
from driver_monitor.state.gaze.glances import RESET_S, WINDOW_S, GlanceMeter
from driver_monitor.state.gaze.looks_away import BRIDGE_S, SACCADE_S, LookShares, most
from driver_monitor.state.gaze.targets import task
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.stretch import Stretch
from driver_monitor.timing.window import WindowedTime


class TargetSample(NamedTuple):
    """The gaze of one frame. `off`: whether it is off the road ahead.

    `target`, `movement`: None ahead, and while a look continues with an unknown gaze.
    """

    off: bool
    target: GazeTarget | None = None
    movement: LookMovement | None = None


class TargetLooks:
    """Times looks off the road ahead. A target counts as the one of a look if most of the look was spent on it."""

    def __init__(self) -> None:
        self._off = Stretch(forgive_s=SACCADE_S, bridge_s=BRIDGE_S)
        self._looks = GlanceMeter()
        self._other = WindowedTime(WINDOW_S)
        self._shares: LookShares[GazeTarget, LookMovement] = LookShares()
        self._was_other = False

    @property
    def running(self) -> bool:
        """Whether there is a look. It is kept while an unknown time is bridged."""
        return self._off.running

    @property
    def length_s(self) -> float:
        """Seconds of the look so far, 0.0 without one. It is kept while an unknown time is bridged."""
        return self._off.length_s

    def update(self, step: TimeStep, gaze: TargetSample | None) -> TargetLook:
        """Take one frame and return the present look. `gaze`: None while unknown."""
        off = None if gaze is None else gaze.off
        if off not in self._off.ignores:
            self._off.update(step, off)
        if self._off.began:
            self._shares.clear()
        if gaze is not None and off:
            self._shares.add(step, gaze.target, gaze.movement)
        looks = self._looks.update(step, off)
        other_s = self._sum_others(step, gaze, looks.road_s)
        if not self._off.value_s:
            return TargetLook(self._off.value_s, None, None, None, self._off.ending, looks, other_s)
        seconds = self._shares.places
        target, movement = most(seconds), most(self._shares.movements)
        # By the time of both tasks, not of the one longest target: three looks at a screen and a lap are one task.
        other = sum(spent for name, spent in seconds.items() if task(name) == "other")
        belongs: GazeTask = "other" if 2 * other >= sum(seconds.values()) else "driving"
        return TargetLook(
            self._off.value_s, target, belongs if target else None, movement, self._off.ending, looks, other_s
        )

    def _sum_others(self, step: TimeStep, gaze: TargetSample | None, ahead_s: float | None) -> float | None:
        """Return the seconds in the window at targets that are no part of driving, None while the gaze is unknown."""
        if self._was_other and step.seamless:
            self._other.add(step.t - step.dt, step.t)
        if ahead_s is not None and ahead_s >= RESET_S - 1e-6:
            self._other.clear()
        if gaze is None or not gaze.off:
            self._was_other = False
        elif gaze.target is not None:
            self._was_other = task(gaze.target) == "other"
        return None if gaze is None else self._other.total(step.t)
