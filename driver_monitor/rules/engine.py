"""Driver state over time becomes alerts, by the rules of a profile. Pure: time comes with the state."""

from __future__ import annotations

from driver_monitor.data.alert import (
    LEVELS,
    AlertEvent,
    Attention,
    Level,
    Value,
    Verdict,
)
from driver_monitor.data.driver_state import DriverState
from driver_monitor.rules.conditions import Read
from driver_monitor.rules.profile import Profile
from driver_monitor.rules.running_rule import RunningRule, milder, rank
from driver_monitor.signals.table import NAMED as SIGNALS
from driver_monitor.signals.table import (
    RETURNING,
    WINDOWED,
    held_rule,
)
from driver_monitor.state.eyes.perclos import BLINK_MAX_S
from driver_monitor.timing.cadence import Cadence

WORST_FIRST: tuple[Attention, ...] = ("unresponsive", "asleep", "drowsy", "distracted", "unknown")
"""Of what several active rules imply, the first of these is told."""


class Engine:
    """Judges every rule of `profile` in its order, once a frame.

    A state whose time is not later than the last one's changes nothing and raises no event.
    """

    def __init__(self, profile: Profile) -> None:
        self._standstill, self._acknowledge = profile.standstill, profile.acknowledge
        self._rules = {rule.id: RunningRule(rule, rule.id in profile.local_rules) for rule in profile.rules}
        self._cadence = Cadence()
        self._episodes = 0
        self._verdict = Verdict("unknown", (), None, ())
        self._state: DriverState | None = None
        self._was_attentive = False

    def update(self, state: DriverState) -> Verdict:
        """Take one frame's state and return the rules' answer."""
        step = self._cadence.step(state.t)
        if step is None:
            last = self._verdict
            return Verdict(last.attention, last.active, last.level, ())
        self._state = state
        self._was_attentive = self._verdict.attention == "attentive" and step.seamless
        read = self._reader(state)
        # Doubtful is what stands still until a return is sure, and what was measured over a window if nobody is seen.
        doubtful = frozenset(name for name, returning in RETURNING.items() if returning(state)) | _past(state)
        sure = _without(doubtful, read)
        events: list[AlertEvent] = []
        cap = self._cap(state)
        for running in self._rules.values():
            event = running.update(step, state, read, sure, self._episodes, cap)
            if event is not None:
                self._episodes += event.phase == "raised"
                events.append(event)
        self._verdict = self._conclude(state, read, tuple(events))
        return self._verdict

    def acknowledge(self) -> None:
        """Silence what is active, as far as the profile lets the driver's button; it stays active all the same."""
        for running in self._rules.values():
            allowed = self._acknowledge is not None and running.level is not None
            if allowed and rank(running.level or "info") <= rank(self._acknowledge or "info"):
                running.silenced = True

    def dismiss(self, why: str) -> tuple[AlertEvent, ...]:
        """End every active alert because of `why`, as when the rules are replaced; what still holds is raised anew."""
        if self._state is None:
            return ()
        read = self._reader(self._state)
        ended = [running.dismiss(self._state, read, why) for running in self._rules.values()]
        self._verdict = self._conclude(self._state, read, ())
        return tuple(event for event in ended if event is not None)

    def _reader(self, state: DriverState) -> Read:
        known: dict[str, Value] = {}

        def read(name: str) -> Value:
            if name in known:
                return known[name]
            signal = SIGNALS.get(name)
            if signal is not None:
                value = known[name] = signal.read(state)
                return value
            other = self._rules.get(held_rule(name) or "")
            return None if other is None else other.held_s

        return read

    def _conclude(self, state: DriverState, read: Read, events: tuple[AlertEvent, ...]) -> Verdict:
        active = [running for running in self._rules.values() if running.level is not None]
        if not active:
            return Verdict(self._unalarmed(state), (), None, events)
        # Sorting is stable: among equals the profile's order stands.
        active.sort(key=lambda running: -rank(running.level or "info"))
        of_now = _without(_past(state), read)
        implied = {running.implied(of_now) for running in active}
        attention = next((name for name in WORST_FIRST if name in implied), None) or self._unalarmed(state)
        names = tuple(running.rule.id for running in active)
        loud = next((running.level for running in active if not running.silenced), None)
        level = milder(loud, self._cap(state)) if loud is not None else None
        return Verdict(attention, names, level, events)

    def _cap(self, state: DriverState) -> Level:
        """Return the worst level there may be now: while the car is known to stand, nothing has to be alarming."""
        speed, standstill = state.vehicle.speed_kmh, self._standstill
        stands = standstill is not None and speed is not None and speed < standstill.below_kmh
        return standstill.level if standstill is not None and stands else LEVELS[-1]

    def _unalarmed(self, state: DriverState) -> Attention:
        """Return what no rule speaks against: attentive if eyes and gaze are known, or just were before a blink."""
        closed_s = state.eyes.closed_s
        if state.eyes.state == "unknown" or closed_s is None:
            return "unknown"
        if state.eyes.state == "closed":
            return "attentive" if self._was_attentive and closed_s <= BLINK_MAX_S else "unknown"
        return "attentive" if state.gaze.zone != "unknown" else "unknown"


def _past(state: DriverState) -> frozenset[str]:
    """Return what was measured over a window, where there is no face: the seat may be empty by now."""
    return WINDOWED if state.face is None else frozenset()


def _without(unknown: frozenset[str], read: Read) -> Read:
    """Return a reader that does not know the signals in `unknown`."""
    return (lambda name: None if name in unknown else read(name)) if unknown else read
