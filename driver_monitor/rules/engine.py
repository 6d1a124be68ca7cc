"""Judges all rules of a profile on each driver state, and returns the verdict. Pure: time comes with the state."""

from __future__ import annotations

from driver_monitor.data.alert import LEVELS, SIGNS, AlertEvent, Attention, Level, Sign, Value, Verdict
from driver_monitor.data.driver_state import DriverState
from driver_monitor.rules.conditions import Judge, Values, judge_all
from driver_monitor.rules.kinds import kinds
from driver_monitor.rules.profile import Profile
from driver_monitor.rules.running_rule import RunningRule, milder, rank
from driver_monitor.signals.table import doubtful, held_rule, past, read_all
from driver_monitor.state.eyes.closure import BLINK_MAX_S

WORST_FIRST: tuple[Attention, ...] = ("unresponsive", "asleep", "drowsy", "distracted", "unknown")
"""If the active rules imply several of these, the first one is the driver's attention."""
URGENCY = {sign: index for index, sign in enumerate(SIGNS)}
"""The place of each sign in `SIGNS`; 0 is the most urgent."""


class Engine:
    """Judges every rule once a frame, in the order of `profile`.

    A state that is not later than the previous one changes nothing. It gets the last verdict again, without events.
    """

    def __init__(self, profile: Profile) -> None:
        self._standstill, self._acknowledge = profile.standstill, profile.acknowledge
        self._rules = [RunningRule(rule, rule.id in profile.local_rules) for rule in profile.rules]
        self._kinds = kinds(profile.rules)
        named = {name: None for running in self._rules for name in running.rule.reads()}
        self._signals = [name for name in named if held_rule(name) is None]
        self._held = [name for name in named if held_rule(name) is not None]
        # A condition on another rule is judged after that rule. All others are judged together.
        self._early: list[Judge | None] = [None if running.refers else running.judge_when for running in self._rules]
        self._episodes = 0
        self._verdict = Verdict("unknown", (), None, ())
        self._state: DriverState | None = None
        self._was_attentive = False

    def update(self, state: DriverState) -> Verdict:
        """Take one frame's state and return the verdict of the rules."""
        last = self._verdict
        if self._state is not None and state.t <= self._state.t:
            return Verdict(last.attention, last.active, last.level, (), last.sign)
        self._state = state
        self._was_attentive = last.attention == "attentive" and state.step.seamless
        cap, doubts = self._cap(state), doubtful(state)
        values = self._read(state)
        sure = _without(doubts, values)
        events: list[AlertEvent] = []
        early_sure = judge_all(self._early, sure)
        early = judge_all(self._early, values) if doubts else early_sure
        for running, *now in zip(self._rules, early, early_sure, strict=True):
            met, sure_met = (running.judge_when(values), running.judge_when(sure)) if running.refers else now
            if sure_met in running.ignores:
                continue
            event = running.update(state, values, sure, (met, sure_met), self._episodes, cap)
            if running.held_name in values:
                values[running.held_name] = sure[running.held_name] = running.held_s
            if event is not None:
                self._episodes += event.phase == "raised"
                events.append(event)
        self._verdict = self._conclude(state, values, tuple(events))
        return self._verdict

    def acknowledge(self) -> None:
        """Silence the active alerts up to level `Profile.acknowledge` (None: none) until they escalate or hold anew."""
        for running in self._rules:
            if self._acknowledge is not None and running.level is not None:
                running.silenced = running.silenced or rank(running.level) <= rank(self._acknowledge)

    def dismiss(self, why: str) -> tuple[AlertEvent, ...]:
        """End all active alerts. Return their events, with `why` in the text. What still holds raises a new alert."""
        if self._state is None:
            return ()
        values = self._read(self._state)
        ended = [running.dismiss(self._state, values, why) for running in self._rules]
        self._verdict = self._conclude(self._state, values, ())
        return tuple(event for event in ended if event is not None)

    def _read(self, state: DriverState) -> dict[str, Value]:
        """Return what the rules read of `state`, and the times without a return of the rules that other rules name."""
        values = read_all(state, self._signals)
        if self._held:
            held = {running.held_name: running.held_s for running in self._rules}
            values.update((name, held[name]) for name in self._held)
        return values

    def _conclude(self, state: DriverState, values: Values, events: tuple[AlertEvent, ...]) -> Verdict:
        """Return the verdict on `state`. `values`: what the rules read of it."""
        active = [running for running in self._rules if running.level is not None]
        if not active:
            return Verdict(self._unalarmed(state), (), None, events)
        # Sorting is stable: the order of the profile stays among equal levels.
        active.sort(key=lambda running: -rank(running.level or "info"))
        # Without a face, a window shows what was.
        present = _without(past(state), values)
        cleared = judge_all([running.judge_clear for running in active], present)
        met = judge_all([running.judge_when for running in active], present)
        # While neither condition can be judged, the attention is unknown.
        implied = {
            one.rule.attention if one.rule.attention is None or clear is not None or holds else "unknown"
            for one, clear, holds in zip(active, cleared, met, strict=True)
        }
        attention = next((name for name in WORST_FIRST if name in implied), None) or self._unalarmed(state)
        names = tuple(running.rule.id for running in active)
        cap = self._cap(state)
        signs = [
            Sign(self._kinds[running.rule.id], milder(running.level, cap))
            for running in active
            if running.level is not None and not running.silenced
        ]
        level = signs[0].level if signs else None
        return Verdict(attention, names, level, events, min(signs, key=URGENCY.__getitem__, default=None))

    def _cap(self, state: DriverState) -> Level:
        """Return the worst level that is allowed now. It is lower while the car is known to stand still."""
        speed, standstill = state.vehicle.speed_kmh, self._standstill
        stands = standstill is not None and speed is not None and speed < standstill.below_kmh
        return standstill.level if standstill and stands else LEVELS[-1]

    def _unalarmed(self, state: DriverState) -> Attention:
        """Return the attention without active rules: "attentive" if `Verdict` says so, else "unknown"."""
        closed_s = state.eyes.closed_s
        if state.eyes.state == "unknown" or closed_s is None:
            return "unknown"
        if state.eyes.state == "closed":
            return "attentive" if self._was_attentive and closed_s <= BLINK_MAX_S else "unknown"
        if state.eyes.shut_s is not None and state.eyes.shut_s > BLINK_MAX_S:
            return "unknown"
        return "attentive" if state.gaze.zone != "unknown" else "unknown"


def _without(unknown: frozenset[str], values: Values) -> dict[str, Value]:
    """Return `values` with those of `unknown` set to None."""
    return {**values, **dict.fromkeys(unknown)}
