"""Judges one rule over time: waits, then raises, escalates and clears its alert, then keeps the cool-down."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain

from driver_monitor.data.alert import LEVELS, AlertEvent, Evidence, Level, Phase, Value
from driver_monitor.data.driver_state import DriverState
from driver_monitor.rules import message
from driver_monitor.rules.conditions import Judge, Values, compile_condition, holding
from driver_monitor.rules.profile import Condition, Rule
from driver_monitor.signals.signal import Signal
from driver_monitor.signals.table import find
from driver_monitor.state.eyes.closure import BLINK_MAX_S
from driver_monitor.timing.stretch import Stretch

HELD_OVER_S = 60.0
"""If `clear` is unknown for longer than this, the time without a return starts anew. A picture that is lost now and
then, or a hidden driver, must not keep an alert from getting worse."""
AGAIN_S = 1.0
"""Seconds. If `when` of a silenced alert is true again after a longer time in which it was not, the silence ends."""
rank: Callable[[Level], int] = LEVELS.index
"""How bad a level is; 0 is the mildest."""


def milder(one: Level, other: Level) -> Level:
    """Return the less bad of two levels."""
    return one if rank(one) <= rank(other) else other


class RunningRule:
    """Raises, escalates and clears the alerts of one rule. Unknown conditions do none of this.

    `local`: the alerts must not leave this machine. `level`: level of the active alert, None without one. `held_s`: the
    time without a return. It counts while `clear` is known to be false, since the alert was raised or `clear` was last
    true; 0.0 without an alert, None while unknown. `held_name`: its name for other rules.
    `ignores`: results of `when` (for the sure values) with which `update` may be skipped, as it would change nothing.
    `silenced`: whether the driver has acknowledged the alert at its present level.
    """

    def __init__(self, rule: Rule, local: bool = False) -> None:
        self.rule, self._local = rule, local
        self.level: Level | None = None
        self.held_name = f"rule.{rule.id}.held_s"
        self.held_s: float | None = 0.0
        self.ignores: tuple[bool | None, ...] = ()
        self.silenced = False
        self._muted_to: Level | None = None
        """The worst level that is silent from the start, None if none is."""
        self.judge_when, self.judge_clear = compile_condition(rule.when), compile_condition(rule.clear)
        self._worse: list[Judge | None] = [
            compile_condition(step.when) if step.when else None for step in rule.escalate
        ]
        self._not_nominal: Judge = compile_condition(rule.patience.when) if rule.patience else lambda _: False
        self._named = message.check(rule.message)
        self._pending, self._clearing = Stretch(), Stretch(forgive_s=BLINK_MAX_S)
        self._held = Stretch(bridge_s=HELD_OVER_S)
        self._met_t, self._episode = 0.0, 0
        self._named_values: dict[str, Value] = {}
        self._basis: Signal | None = None
        self._locked = False
        self._cap = self._due = rule.level
        self._due_when = self.judge_when
        self._over: tuple[float, Level] = (-math.inf, rule.level)
        """Time and level of the alert that ended last."""

    def update(
        self,
        state: DriverState,
        values: Values,
        sure: Values,
        met: tuple[bool | None, bool | None],
        next_episode: int,
        cap: Level,
    ) -> AlertEvent | None:
        """Take one frame and return the event of the alert in it, None if there is none.

        `values`: by signal name; `sure`: the same, but None for the names that `doubtful` returns. An alert is raised,
        escalated or cleared only by conditions that are true for `sure`; its first level is judged by `values`. While
        `when` is true for `values` alone, the time without a return stands still. `met`: results of `judge_when` for
        `values` and `sure`. `cap`: the worst level allowed now. A worse one comes once allowed, if it is due even then.
        """
        self._cap = cap
        if self.level is None:
            event = self._wait(state, values, met[1], next_episode)
        else:
            event = self._watch(state, values, sure, *met)
        self.held_s = self._held.value_s if self.level is not None else 0.0
        self.ignores = self._pending.ignores if self.level is None else ()
        return event

    def acknowledge(self, worst: Level) -> None:
        """Silence the active alert if it is at most as bad as `worst`, and with `Rule.mute` also the next ones.

        The next ones stay silent up to the level of the acknowledged one.
        """
        if self.level is not None and rank(self.level) <= rank(worst):
            self.silenced = True
            if self.rule.mute and not self._muted(self.level):
                self._muted_to = self.level

    def unmute(self) -> None:
        """Let alerts sound again that are not yet raised. The active one stays as it is."""
        self._muted_to = None

    def _muted(self, level: Level) -> bool:
        return self._muted_to is not None and rank(level) <= rank(self._muted_to)

    def dismiss(self, state: DriverState, values: Values, why: str) -> AlertEvent | None:
        """End the active alert without a cool-down. Return its event with `why` in the text, None without an alert."""
        if self.level is None:
            return None
        event = self._event(state, values, "cleared", None)
        self.level, self.held_s = None, 0.0
        self._pending.reset()
        return replace(event, message=f"{event.message} ({why})")

    def _watch(
        self, state: DriverState, values: Values, sure: Values, met: bool | None, sure_met: bool | None
    ) -> AlertEvent | None:
        """Take one frame while the alert is active."""
        assert self.level is not None
        step = state.step
        cleared = False if met else self.judge_clear(sure)
        if cleared not in self._clearing.ignores:
            self._clearing.update(step, cleared)
        # While it is in doubt whether the condition holds, the time without a return stands still.
        self._held.update(step, None if cleared is None or (met and not sure_met) else not cleared)
        if met:
            self.silenced = self.silenced and (self._muted(self.level) or step.t - self._met_t <= AGAIN_S)
            self._met_t, self._named_values = step.t, self._values_named(values)
        lock = self.rule.lock
        self._locked = self._locked or (lock is not None and (self._held.value_s or 0.0) >= lock.after_s)
        clear_for_s = max(self.rule.clear_for_s, lock.clear_for_s if lock and self._locked else 0.0)
        if not cleared or (self._clearing.value_s or 0.0) < clear_for_s:
            return self._escalate(state, values, sure, met)
        event = self._event(state, values, "cleared", None)
        self._over = (step.t, event.level)
        self.level = None
        self._pending.reset()
        return event

    def _wait(self, state: DriverState, values: Values, met: bool | None, next_episode: int) -> AlertEvent | None:
        """Take one frame while there is no alert."""
        step = state.step
        self._pending.update(step, met)
        if not met or (self._pending.value_s or 0.0) < self._for_s(values):
            return None
        # The speed is judged last: a speed that varies around the gate must not start the wait again.
        speed, from_kmh = state.vehicle.speed_kmh, self.rule.from_kmh
        if speed is not None and from_kmh is not None and speed < from_kmh:
            return None
        level, cause, due_when = self.rule.level, self.rule.when, self.judge_when
        for escalation, worse in zip(self.rule.escalate, self._worse, strict=True):
            if escalation.after_s is None and worse is not None and worse(values):
                level, cause, due_when = escalation.level, escalation.when or cause, worse
        over_t, last = self._over
        if step.t - over_t < self.rule.cooldown_s and rank(milder(level, self._cap)) <= rank(last):
            return None
        self._due, self._due_when = level, due_when
        self.level, self._episode = milder(level, self._cap), next_episode
        self.silenced, self._locked, self._met_t = self._muted(self.level), False, step.t
        self._clearing.reset()
        self._held.begin(step, min(self._overdue_s(values), step.dt) if step.seamless else 0.0)
        self._named_values = self._values_named(values)
        return self._event(state, values, "raised", cause)

    def _overdue_s(self, values: Values) -> float:
        """Return for how many seconds the alert has been due. The frame that raises it comes up to one period late.

        The time without a return counts from when the alert was due. Otherwise two waits in a row add two periods.
        """
        for_s = self._for_s(values)
        if for_s:
            return max((self._pending.value_s or 0.0) - for_s, 0.0)
        passed = (_passed_s(leaf, values) for leaf in holding(self.rule.when, values))
        return min((seconds for seconds in passed if seconds is not None), default=0.0)

    def _for_s(self, values: Values) -> float:
        """Return for how many seconds `when` must hold now: `for_s`, with patience `by_s` more."""
        patience = self.rule.patience
        return self.rule.for_s + (patience.by_s if patience and self._not_nominal(values) else 0.0)

    def _escalate(self, state: DriverState, values: Values, sure: Values, met: bool | None) -> AlertEvent | None:
        assert self.level is not None
        reached = None
        for escalation, worse in zip(self.rule.escalate, self._worse, strict=True):
            if rank(escalation.level) <= rank(self._due):
                continue
            due = escalation.after_s is None or (self._held.value_s or 0.0) >= escalation.after_s
            if due and (worse is None or worse(sure)):
                self._due, self._due_when, reached = escalation.level, worse or self.judge_when, escalation
        if reached is None and met and rank(self.rule.level) > rank(self._due):
            # The rule's own level was due while the car stood, was over, and holds again.
            self._due, self._due_when = self.rule.level, self.judge_when
        if rank(milder(self._due, self._cap)) <= rank(self.level):
            return None
        holds = reached is not None or self._due_when(sure)
        if holds is False:
            # A worse level was due while the car stood, and is over. The alert itself may still hold.
            self._due, self._due_when = self.rule.level if met else self.level, self.judge_when
        if not holds:
            return None
        self.level, self.silenced = milder(self._due, self._cap), False
        cause, after_s = (reached.when, reached.after_s) if reached else (None, None)
        return self._event(state, values, "escalated", cause, after_s)

    def _event(
        self, state: DriverState, values: Values, phase: Phase, cause: Condition | None, after_s: float | None = None
    ) -> AlertEvent:
        assert self.level is not None
        # The text of a cleared alert has the values of when it last held.
        text = message.fill(self.rule.message, (self._named_values if phase == "cleared" else values).get)
        text = f"Over: {text}" if phase == "cleared" else text
        evidence = self._evidence(state, values, cause, after_s)
        return AlertEvent(state.t, self.rule.id, self.level, phase, text, evidence, self._episode, self._local)

    def _values_named(self, values: Values) -> dict[str, Value]:
        return {name: values[name] for name in self._named}

    def _evidence(self, state: DriverState, values: Values, cause: Condition | None, after_s: float | None) -> Evidence:
        # If a signal has several limits, the one by which the alert holds is shown.
        parts = (self.rule.when, cause) if cause else (self.rule.when,)
        held = [holding(part, values) for part in parts]
        leaves = {leaf.signal or "": leaf for leaf in chain(*(part.leaves() for part in parts), *held)}
        measured = {name: _rounded(values[name]) for name in (*leaves, *self._named)}
        threshold: dict[str, Value] = {name: leaf.threshold for name, leaf in leaves.items()}
        compared = {name: leaf.comparison or "" for name, leaf in leaves.items()}
        for_s = self._for_s(values)
        if for_s:
            threshold["for_s"] = for_s
        if after_s is not None:
            measured["held_s"], threshold["held_s"] = _rounded(self._held.value_s), after_s
            compared["held_s"] = "at_least"
        basis = self._measured_over(tuple(chain(*reversed(held))))
        window = basis.window_s(state) if basis and basis.window_s else None
        coverage = round(basis.coverage(state), 3) if basis and basis.coverage else None
        return Evidence(measured, threshold, window, coverage, self.rule.clause, compared, _intervals(state, measured))

    def _measured_over(self, held: tuple[Condition, ...]) -> Signal | None:
        """Return the signal with a window by which the alert holds, or by which it last held.

        `held`: the comparisons that hold, those of the cause first.
        """
        if held:
            signals = (find(leaf.signal or "") for leaf in held)
            self._basis = next((signal for signal in signals if signal and signal.window_s), None)
        return self._basis


def _passed_s(leaf: Condition, values: Values) -> float | None:
    """Return by how many seconds a signal in seconds is past its lower limit, None for any other comparison."""
    signal, value, limit = find(leaf.signal or ""), values[leaf.signal or ""], leaf.threshold
    timer = signal is not None and signal.unit == "s" and leaf.comparison in ("above", "at_least")
    return value - limit if timer and isinstance(value, float) and isinstance(limit, float) else None


def _intervals(state: DriverState, names: Iterable[str]) -> dict[str, tuple[float, float]]:
    found = {}
    for name in names:
        signal = find(name)
        bounds = signal.interval(state) if signal is not None and signal.interval is not None else None
        if bounds is not None:
            found[name] = (round(bounds[0], 3), round(bounds[1], 3))
    return found


def _rounded(value: Value) -> Value:
    return round(value, 3) if isinstance(value, float) else value
