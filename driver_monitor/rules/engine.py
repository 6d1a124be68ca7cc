"""Driver state over time becomes alerts, by the rules of a profile. Pure: time comes with the state."""

from __future__ import annotations

from driver_monitor.rules.alert import AlertEvent, Attention, Value, Verdict
from driver_monitor.rules.conditions import Read
from driver_monitor.rules.profile import Profile
from driver_monitor.rules.running_rule import RunningRule, rank
from driver_monitor.rules.signals import SIGNALS, held_rule
from driver_monitor.state.cadence import Cadence
from driver_monitor.state.driver_state import DriverState
from driver_monitor.state.perclos import BLINK_MAX_S

WORST_FIRST: tuple[Attention, ...] = ("unresponsive", "asleep", "drowsy", "distracted", "unknown")
"""Of what several active rules imply, the first of these is told."""


class Engine:
    """Judges every rule of `profile` in its order, once a frame.

    A state whose time is not later than the last one's changes nothing and raises no event.
    """

    def __init__(self, profile: Profile) -> None:
        self._rules = {rule.id: RunningRule(rule) for rule in profile.rules}
        self._cadence = Cadence()
        self._episodes = 0
        self._verdict = Verdict("unknown", (), None, ())
        self._state: DriverState | None = None

    def update(self, state: DriverState) -> Verdict:
        """Take one frame's state and return the rules' answer."""
        step = self._cadence.step(state.t)
        if step is None:
            last = self._verdict
            return Verdict(last.attention, last.active, last.level, ())
        self._state = state
        read = self._reader(state)
        events: list[AlertEvent] = []
        for running in self._rules.values():
            event = running.update(step, state, read, self._episodes)
            if event is not None:
                self._episodes += event.phase == "raised"
                events.append(event)
        self._verdict = self._conclude(state, tuple(events))
        return self._verdict

    def dismiss(self, why: str) -> tuple[AlertEvent, ...]:
        """End every active alert because of `why`, as when the rules are replaced; what still holds is raised anew."""
        if self._state is None:
            return ()
        read = self._reader(self._state)
        ended = [running.dismiss(self._state, read, why) for running in self._rules.values()]
        self._verdict = self._conclude(self._state, ())
        return tuple(event for event in ended if event is not None)

    def _reader(self, state: DriverState) -> Read:
        def read(name: str) -> Value:
            signal = SIGNALS.get(name)
            if signal is not None:
                return signal.read(state)
            return self._rules[held_rule(name) or ""].held_s

        return read

    def _conclude(self, state: DriverState, events: tuple[AlertEvent, ...]) -> Verdict:
        active = [running for running in self._rules.values() if running.level is not None]
        # Sorting is stable: among equals the profile's order stands.
        active.sort(key=lambda running: -rank(running.level or "info"))
        implied = {running.rule.attention for running in active}
        attention = next((name for name in WORST_FIRST if name in implied), None) or _unalarmed(state)
        names = tuple(running.rule.id for running in active)
        return Verdict(attention, names, active[0].level if active else None, events)


def _unalarmed(state: DriverState) -> Attention:
    """Return what no rule speaks against: attentive only if eyes and gaze are known, or a mere blink hides the gaze."""
    closed_s = state.eyes.closed_s
    if state.eyes.state == "unknown" or closed_s is None:
        return "unknown"
    blinking = state.eyes.state == "closed" and closed_s <= BLINK_MAX_S
    return "attentive" if blinking or state.gaze.zone != "unknown" else "unknown"
