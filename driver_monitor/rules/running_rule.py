"""One rule at work: waiting, raised, escalated, cleared, cooling down."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from driver_monitor.data.alert import (
    LEVELS,
    AlertEvent,
    Attention,
    Evidence,
    Level,
    Phase,
    Value,
)
from driver_monitor.data.driver_state import DriverState
from driver_monitor.rules import message
from driver_monitor.rules.conditions import (
    Judge,
    Read,
    compile_condition,
    holding,
)
from driver_monitor.rules.profile import Condition, Rule
from driver_monitor.signals.signal import Signal
from driver_monitor.signals.table import find
from driver_monitor.state.eyes.perclos import BLINK_MAX_S
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.stretch import Stretch

HELD_OVER_S = 60.0
"""An alert is unseen for so long before the time without a return is forgotten: a picture that is lost now and then, or
a driver who hides, must not keep it from getting worse."""
AGAIN_S = 1.0
"""What raised an acknowledged alert and has not been known to hold for so long is something new when it holds again."""


_RANKS = {level: rank for rank, level in enumerate(LEVELS)}


def rank(level: Level) -> int:
    """Return how bad a level is, 0 the mildest."""
    return _RANKS[level]


def milder(one: Level, other: Level) -> Level:
    """Return the less bad of two levels."""
    return one if rank(one) <= rank(other) else other


class RunningRule:
    """The life of one rule's alerts; `local`: they must not leave the machine.

    `level`: of the active alert, None when there is none. Unknown conditions never raise, escalate or clear.
    """

    def __init__(self, rule: Rule, local: bool = False) -> None:
        self.rule, self._local = rule, local
        self.level: Level | None = None
        self._when, self._clear = compile_condition(rule.when), compile_condition(rule.clear)
        self._worse: list[Judge | None] = [
            compile_condition(step.when) if step.when else None for step in rule.escalate
        ]
        self._not_nominal: Judge = compile_condition(rule.patience.when) if rule.patience else lambda _: False
        self._spoken_of = message.check(rule.message)
        self._pending, self._clearing = Stretch(), Stretch(forgive_s=BLINK_MAX_S)
        self._held = Stretch(bridge_s=HELD_OVER_S)
        self._met_t = 0.0
        self._episode = 0
        self._told: dict[str, Value] = {}
        self._basis: Signal | None = None
        self._locked = False
        self._cap: Level = LEVELS[-1]
        self._due: Level = rule.level
        self._due_when = self._when
        self.silenced = False
        """Whether the driver has acknowledged the alert as it is; active, and told again when it gets worse."""
        self._over: tuple[float, Level] | None = None

    @property
    def held_s(self) -> float | None:
        """Seconds the active alert has gone without a return; 0.0 when there is none, None when unknown."""
        return self._held.value_s if self.level is not None else 0.0

    def update(
        self, step: TimeStep, state: DriverState, read: Read, sure: Read, next_episode: int, cap: Level = LEVELS[-1]
    ) -> AlertEvent | None:
        """Take one frame and return the step that the alert makes with it, if any.

        `sure` reads as unknown what `read` still gives while a return is being made sure of (`Signal.returning`), and
        what was measured over a window while there is no face: in that time nothing is raised, escalated or cleared,
        and the time without a return stands still. `cap`: the worst level that may be told now; what is due beyond it
        is told when the cap is lifted.
        """
        self._cap = cap
        if self.level is None:
            return self._wait(step, state, read, self._when(sure), next_episode)
        met = self._when(read)
        cleared = False if met else self._clear(sure)
        if met:
            if step.t - self._met_t > AGAIN_S:
                self.silenced = False
            self._met_t = step.t
            self._told = self._spoken(read)
        self._clearing.update(step, cleared)
        # In doubt the time without a return stands still.
        self._held.update(step, None if cleared is None or (met and not self._when(sure)) else not cleared)
        self._locked = self._locked or self._locks_in()
        if cleared and (self._clearing.value_s or 0.0) >= self._clear_for_s:
            return self._end(step, state, read)
        return self._escalate(state, read, sure, met)

    @property
    def _clear_for_s(self) -> float:
        return max(self.rule.clear_for_s, self.rule.lock.clear_for_s if self.rule.lock and self._locked else 0.0)

    def _locks_in(self) -> bool:
        return self.rule.lock is not None and (self._held.value_s or 0.0) >= self.rule.lock.after_s

    def dismiss(self, state: DriverState, read: Read, why: str) -> AlertEvent | None:
        """End an active alert from outside, because of `why`, without a cool-down; None when there is none."""
        if self.level is None:
            return None
        event = self._event(state, read, "cleared", None, why=why)
        self.level = None
        self._pending.reset()
        return event

    def implied(self, read: Read) -> Attention | None:
        """Return what the active alert says of the driver now: "unknown" while it is held without being seen."""
        if self.rule.attention is None or self._clear(read) is not None or self._when(read):
            return self.rule.attention
        return "unknown"

    def _wait(
        self, step: TimeStep, state: DriverState, read: Read, met: bool | None, next_episode: int
    ) -> AlertEvent | None:
        self._pending.update(step, met)
        # A speed that wavers about the gate must not begin the wait anew.
        if not met or (self._pending.value_s or 0.0) < self._for_s(read) or self._too_slow(read):
            return None
        level, cause = self.rule.level, self.rule.when
        due_when = self._when
        for escalation, worse in zip(self.rule.escalate, self._worse, strict=True):
            if escalation.after_s is None and worse is not None and worse(read):
                level, cause, due_when = escalation.level, escalation.when or cause, worse
        if self._cooling(step.t, milder(level, self._cap)):
            return None
        self._due, self._due_when = level, due_when
        self.level, self._episode = milder(level, self._cap), next_episode
        self.silenced = False
        self._locked, self._met_t = False, step.t
        self._clearing.reset()
        self._held.begin(step, min(self._overdue_s(read), step.dt) if step.seamless else 0.0)
        self._told = self._spoken(read)
        return self._event(state, read, "raised", cause)

    def _overdue_s(self, read: Read) -> float:
        """Return for how long the alert has been due: the frame that shows it comes up to a period late.

        What is counted from an alert is counted from then, or two waits in a row would be late by two periods.
        """
        for_s = self._for_s(read)
        if for_s:
            return max((self._pending.value_s or 0.0) - for_s, 0.0)
        passed = (_passed_s(leaf, read) for leaf in holding(self.rule.when, read))
        return min((seconds for seconds in passed if seconds is not None), default=0.0)

    def _too_slow(self, read: Read) -> bool:
        """Say whether the car is known to be slower than the rule begins at; an unknown speed is driving."""
        speed = read("vehicle.speed_kmh")
        return self.rule.from_kmh is not None and isinstance(speed, float | int) and speed < self.rule.from_kmh

    def _for_s(self, read: Read) -> float:
        """Return how long what raises it must hold now."""
        patience = self.rule.patience
        granted = patience is not None and self._not_nominal(read)
        return self.rule.for_s + (patience.by_s if patience is not None and granted else 0.0)

    def _cooling(self, t: float, level: Level) -> bool:
        if self._over is None:
            return False
        over_t, worst = self._over
        return t - over_t < self.rule.cooldown_s and rank(level) <= rank(worst)

    def _escalate(self, state: DriverState, read: Read, sure: Read, met: bool | None) -> AlertEvent | None:
        assert self.level is not None
        reached = None
        for escalation, worse in zip(self.rule.escalate, self._worse, strict=True):
            due = escalation.after_s is None or (self._held.value_s or 0.0) >= escalation.after_s
            if due and rank(escalation.level) > rank(self._due) and (worse is None or worse(sure)):
                self._due, self._due_when, reached = escalation.level, worse or self._when, escalation
        if reached is None and met and rank(self.rule.level) > rank(self._due):
            # What was due while the car stood was over, and holds again.
            self._due, self._due_when = self.rule.level, self._when
        if rank(milder(self._due, self._cap)) <= rank(self.level):
            return None
        holds = reached is not None or self._due_when(sure)
        if holds is False:
            # It was due while the car stood, and is over; the alert itself may still hold.
            self._due, self._due_when = self.rule.level if met else self.level, self._when
        if not holds:
            return None
        self.level = milder(self._due, self._cap)
        self.silenced = False
        cause, after_s = (reached.when, reached.after_s) if reached else (None, None)
        return self._event(state, read, "escalated", cause, after_s)

    def _end(self, step: TimeStep, state: DriverState, read: Read) -> AlertEvent:
        assert self.level is not None
        event = self._event(state, read, "cleared", None)
        self._over = (step.t, self.level)
        self.level = None
        self._pending.reset()
        return event

    def _event(
        self,
        state: DriverState,
        read: Read,
        phase: Phase,
        cause: Condition | None,
        after_s: float | None = None,
        why: str | None = None,
    ) -> AlertEvent:
        assert self.level is not None
        # What is over is told by what was so when it last held.
        text = message.fill(self.rule.message, self._told.get if phase == "cleared" else read)
        text = f"Over: {text}" if phase == "cleared" else text
        text = f"{text} ({why})" if why else text
        evidence = self._evidence(state, read, cause, after_s)
        return AlertEvent(state.t, self.rule.id, self.level, phase, text, evidence, self._episode, self._local)

    def _spoken(self, read: Read) -> dict[str, Value]:
        return {name: read(name) for name in self._spoken_of}

    def _evidence(self, state: DriverState, read: Read, cause: Condition | None, after_s: float | None) -> Evidence:
        # Of several limits for one signal, the one by which the alert holds is told.
        parts = (self.rule.when, cause) if cause else (self.rule.when,)
        held = [holding(part, read) for part in parts]
        told = chain(*(part.leaves() for part in parts), *held)
        leaves = {leaf.signal or "": leaf for leaf in told}
        measured = {name: _shown(read(name)) for name in (*leaves, *self._spoken_of)}
        threshold: dict[str, Value] = {name: leaf.threshold for name, leaf in leaves.items()}
        compared = {name: leaf.comparison or "" for name, leaf in leaves.items()}
        for_s = self._for_s(read)
        if for_s:
            threshold["for_s"] = for_s
        if after_s is not None:
            measured["held_s"], threshold["held_s"] = _shown(self._held.value_s), after_s
            compared["held_s"] = "at_least"
        basis = self._measured_over(tuple(chain(*reversed(held))))
        window = basis.window_s(state) if basis and basis.window_s else None
        coverage = round(basis.coverage(state), 3) if basis and basis.coverage else None
        return Evidence(measured, threshold, window, coverage, self.rule.clause, compared, _intervals(state, measured))

    def _measured_over(self, held: tuple[Condition, ...]) -> Signal | None:
        """Return the signal with a window by which the alert holds; when it is over, the one by which it last did.

        `held`: the comparisons that hold, those of the cause first.
        """
        if held:
            signals = (find(leaf.signal or "") for leaf in held)
            self._basis = next((signal for signal in signals if signal and signal.window_s), None)
        return self._basis


def _passed_s(leaf: Condition, read: Read) -> float | None:
    """Return how far a time has gone beyond its limit, None for what is no time that runs."""
    signal, value, limit = find(leaf.signal or ""), read(leaf.signal or ""), leaf.threshold
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


def _shown(value: Value) -> Value:
    return round(value, 3) if isinstance(value, float) else value
