"""Judges all rules of a profile on each driver state, and returns the verdict. Pure: time comes with the state."""

from __future__ import annotations

from driver_monitor.data.alert import LEVELS, SIGNS, AlertEvent, Attention, Level, Sign, Value, Verdict
from driver_monitor.data.driver_state import DriverState
from driver_monitor.rules.conditions import Values
from driver_monitor.rules.kinds import kinds
from driver_monitor.rules.profile import Profile, Standstill
from driver_monitor.rules.running_rule import RunningRule, milder, rank
from driver_monitor.signals.table import doubtful, past, reader, shows_expression
from driver_monitor.state.eyes.closure import BLINK_MAX_S

WORST_FIRST: tuple[Attention, ...] = ("unresponsive", "asleep", "drowsy", "distracted", "unknown")
"""If the active rules imply several of these, the first one is the driver's attention. The last is "unknown"."""
URGENCY = {sign: index for index, sign in enumerate(SIGNS)}
"""The place of each sign in `SIGNS`; 0 is the most urgent."""


class Engine:
    """Judges every rule once a frame, in the order of `profile`.

    A state that is not later than the previous one changes nothing. It gets the last verdict again, without events.
    """

    def __init__(self, profile: Profile) -> None:
        self._standstill, self._acknowledge = profile.standstill, profile.acknowledge
        self._rules = [RunningRule(rule, rule.id in profile.local_rules) for rule in profile.rules]
        self._mutable = [running for running in self._rules if running.rule.mute]
        self._emotional = [running for running in self._rules if all(map(shows_expression, running.rule.reads()))]
        self._kinds = kinds(profile.rules)
        named = {name: None for running in self._rules for name in running.rule.reads()}
        self._read_signals = reader(named)
        self._referred = [running for running in self._rules if running.held_name in named]
        self._episodes = 0
        self._verdict = Verdict("unknown", (), None, ())
        self._state: DriverState | None = None
        self._was_attentive = False

    def update(self, state: DriverState) -> Verdict:
        """Take one frame's state and return the verdict of the rules."""
        last = self._verdict
        if self._state is not None and state.t <= self._state.t:
            return Verdict(last.attention, last.active, last.level, (), last.sign, last.warned)
        self._state = state
        self._was_attentive = last.attention == "attentive" and state.step.seamless
        # An unknown ignition may be the next journey.
        if state.vehicle.ignition is not True:
            for running in self._mutable:
                running.unmute()
        cap = self._cap(state)
        values = self._read(state)
        doubts = doubtful(state)
        sure = without(doubts, values) if doubts else values
        events: list[AlertEvent] = []
        for running in self._rules:
            sure_met = running.judge_when(sure)
            if sure_met in running.ignores:
                continue
            met = running.judge_when(values) if doubts else sure_met
            event = running.update(state, values, sure, (met, sure_met), self._episodes, cap)
            if running.held_name in values:
                values[running.held_name] = sure[running.held_name] = running.held_s
            if event is not None:
                self._episodes += event.phase == "raised"
                events.append(event)
        self._verdict = self._conclude(state, values, tuple(events))
        return self._verdict

    def acknowledge(self) -> None:
        """Silence the active alerts up to level `Profile.acknowledge` (None: none) until they escalate or hold anew.

        Alerts of rules with `mute` stay silent until the next journey.
        """
        if self._acknowledge is not None:
            for running in self._rules:
                running.acknowledge(self._acknowledge)

    def dismiss(self, why: str) -> tuple[AlertEvent, ...]:
        """End all active alerts. Return their events, with `why` in the text. What still holds raises a new alert."""
        if self._state is None:
            return ()
        values = self._read(self._state)
        ended = [running.dismiss(self._state, values, why) for running in self._rules]
        self._verdict = self._conclude(self._state, values, ())
        return tuple(event for event in ended if event is not None)

    def dismiss_expressions(self, why: str) -> tuple[AlertEvent, ...]:
        """End the active alerts of rules that read nothing but expressions, as `dismiss`: unknown never clears them."""
        active = [running for running in self._emotional if running.level is not None]
        if self._state is None or not active:
            return ()
        values = self._read(self._state)
        ended = [running.dismiss(self._state, values, why) for running in active]
        self._verdict = self._conclude(self._state, values, ())
        return tuple(event for event in ended if event is not None)

    def _read(self, state: DriverState) -> dict[str, Value]:
        """Return what the rules read of `state`, and the times without a return of the rules that other rules name."""
        values = self._read_signals(state)
        for running in self._referred:
            values[running.held_name] = running.held_s
        return values

    def _conclude(self, state: DriverState, values: Values, events: tuple[AlertEvent, ...]) -> Verdict:
        """Return the verdict on `state`. `values`: what the rules read of it."""
        active = [running for running in self._rules if running.level is not None]
        if not active:
            return Verdict(self._unalarmed(state), (), None, events)
        # Sorting is stable: the order of the profile stays among equal levels.
        active.sort(key=lambda running: -rank(running.level or "info"))
        # Without a face, a window shows what was.
        gone = past(state)
        present = without(gone, values) if gone else values
        implied = {_implied(running, present) for running in active}
        attention = next((name for name in WORST_FIRST if name in implied), None) or self._unalarmed(state)
        names = tuple(running.rule.id for running in active)
        cap = self._cap(state)
        signs = [
            Sign(self._kinds[running.rule.id], milder(running.level, cap))
            for running in active
            if running.level is not None and not running.silenced
        ]
        level = signs[0].level if signs else None
        stand_for = {running.rule.attention for running in active}
        warned = next((name for name in WORST_FIRST[:-1] if name in stand_for), None)
        return Verdict(attention, names, level, events, min(signs, key=URGENCY.__getitem__, default=None), warned)

    def _cap(self, state: DriverState) -> Level:
        return worst_allowed(self._standstill, state.vehicle.speed_kmh)

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


def _implied(running: RunningRule, values: Values) -> Attention | None:
    """Return the attention that an active rule implies. It is unknown while neither condition can be judged."""
    attention = running.rule.attention
    if attention is None or running.judge_clear(values) is not None or running.judge_when(values):
        return attention
    return "unknown"


def worst_allowed(standstill: Standstill | None, speed_kmh: float | None) -> Level:
    """Return the worst level that is allowed now. It is lower while the car is known to stand still."""
    stands = standstill is not None and speed_kmh is not None and speed_kmh < standstill.below_kmh
    return standstill.level if standstill and stands else LEVELS[-1]


def without(unknown: frozenset[str], values: Values) -> dict[str, Value]:
    """Return `values` with those of `unknown` set to None."""
    return {**values, **dict.fromkeys(unknown)}
