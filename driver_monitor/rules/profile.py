"""Profiles: the policy as YAML, validated so that a mistake is told with file, line, key and reason."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from driver_monitor.data.alert import LEVELS, Level
from driver_monitor.rules import message
from driver_monitor.signals.describe import described
from driver_monitor.signals.table import (
    SIGNALS,
    find,
    held_rule,
    rests_on_expression,
)

LONGEST_S = 3600.0
"""No rule waits for longer than an hour: a larger number was meant in milliseconds."""
Seconds = Annotated[float, Field(ge=0, le=LONGEST_S)]
Implied = Literal["distracted", "drowsy", "asleep", "unresponsive", "unknown"]
"""What an active rule may say of the driver. "attentive" follows from no rule being active."""
MAX_RULES = 200
"""Twenty times what the shipped profile has; each is judged in every frame."""
COMPARISONS = ("above", "at_least", "below", "at_most")


def _fault(reason: str) -> PydanticCustomError:
    """Return an error that reads as `reason` and nothing else."""
    return PydanticCustomError("profile", "{reason}", {"reason": reason})


def _fault_at(where: tuple[int | str, ...], reason: str, found: object) -> ValidationError:
    """Return the same of a part further down, so that its own line is told."""
    return ValidationError.from_exception_data(
        "profile", [InitErrorDetails(type=_fault(reason), loc=where, input=found)]
    )


class Part(BaseModel):
    """Base of all parts of a profile: unknown keys are errors, nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Condition(Part):
    """Either `signal` with one comparison, or a list under `all` or `any`. Unknown signals make it unknown."""

    signal: str | None = Field(None, description=f"Name of a signal. {described()}")
    above: float | None = Field(None, description="True when greater")
    at_least: float | None = Field(None, description="True when greater or equal")
    below: float | None = Field(None, description="True when smaller")
    at_most: float | None = Field(None, description="True when smaller or equal")
    is_: bool | str | None = Field(None, alias="is", description="True when equal; for texts and true/false")
    all_: tuple[Condition, ...] = Field((), alias="all", strict=False, description="True when all are")
    any_: tuple[Condition, ...] = Field((), alias="any", strict=False, description="True when one is")

    @field_validator("signal")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and find(name) is None:
            raise _fault(f"no such signal; there are {', '.join(sorted(SIGNALS))}, and rule.<id>.held_s")
        return name

    @field_validator("is_", mode="before")
    @classmethod
    def _word_or_switch(cls, wanted: object) -> object:
        if wanted is not None and not isinstance(wanted, (bool, str)):
            raise _fault("expected a word, true or false")
        return wanted

    @model_validator(mode="after")
    def _whole(self) -> Condition:
        kinds = sum((self.signal is not None, bool(self.all_), bool(self.any_)))
        if kinds != 1:
            raise _fault("expected exactly one of signal, all, any")
        comparisons = list(self._comparisons())
        if self.signal is None and comparisons:
            raise _fault("a comparison needs its signal beside it")
        if self.signal is not None:
            if len(comparisons) != 1:
                raise _fault("expected exactly one of above, at_least, below, at_most, is")
            self._fits(self.signal, comparisons[0], self.threshold)
        return self

    @staticmethod
    def _fits(name: str, comparison: str, wanted: float | str | bool | None) -> None:
        signal = find(name)
        assert signal is not None
        if signal.kind == "number":
            highest = min(signal.high, LONGEST_S) if signal.unit == "s" else signal.high
            if isinstance(wanted, str | bool) or wanted is None:
                raise _fault(f"{name} is a number: compare it with above, at_least, below or at_most")
            beyond = (wanted >= highest and comparison == "above") or (wanted <= signal.low and comparison == "below")
            if not signal.low <= wanted <= highest or beyond:
                unit = f" {signal.unit}" if signal.unit else ""
                raise _fault(f"impossible threshold: {name} lies between {signal.low:g} and {highest:g}{unit}")
            return
        if comparison != "is":
            raise _fault(f"{name} is no number: compare it with is")
        if signal.kind == "bool" and not isinstance(wanted, bool):
            raise _fault(f"{name} is true or false")
        if signal.kind == "text" and wanted not in signal.choices:
            raise _fault(f"{name} is one of {', '.join(signal.choices)}")

    @property
    def comparison(self) -> str | None:
        """The key under which the threshold stands, None in an `all` or `any`."""
        return next(iter(self._comparisons()), None)

    @property
    def threshold(self) -> float | str | bool | None:
        """What the signal is compared with."""
        return next(iter(self._comparisons().values()), None)

    def _comparisons(self) -> dict[str, float | str | bool]:
        found = {"is": self.is_, **{name: getattr(self, name) for name in COMPARISONS}}
        return {name: value for name, value in found.items() if value is not None}

    def leaves(self) -> tuple[Condition, ...]:
        """Return the comparisons in it, in order."""
        if self.signal is not None:
            return (self,)
        return tuple(leaf for part in (*self.all_, *self.any_) for leaf in part.leaves())


class Escalation(Part):
    """A step up: after so long without the clearing holding, or when something worse holds, or both together."""

    level: Level
    after_s: Seconds | None = Field(None, gt=0, description="Seconds since the alert was raised, known not cleared")
    when: Condition | None = Field(None, description="Must hold too")

    @model_validator(mode="after")
    def _whole(self) -> Escalation:
        if self.after_s is None and self.when is None:
            raise _fault("needs after_s or when")
        return self


class Patience(Part):
    """A delay granted in conditions that are not nominal."""

    by_s: Seconds = Field(gt=0, description="Seconds for which what raises the alert must hold in addition")
    when: Condition = Field(description="While this is known to hold")


class Lock(Part):
    """An alert to which the driver did not react asks for more than a glance before it ends."""

    after_s: Seconds = Field(gt=0, description="Seconds without a return after which it locks in")
    clear_for_s: Seconds = Field(gt=0, description="What clears it must then hold so long")


class Standstill(Part):
    """Below walking pace nothing is worse than `level`."""

    below_kmh: float = Field(gt=0, le=30)
    level: Level


class Rule(Part):
    """One rule: when it is raised, how it gets worse, and when it is over."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40, description="Name in alerts and topics")
    when: Condition = Field(description="Raises the alert")
    for_s: Seconds = Field(0.0, description="It must hold so long")
    patience: Patience | None = Field(None, description="It must hold longer while something is not nominal")
    from_kmh: float | None = Field(None, ge=0, le=300, description="Not raised below this speed; unknown is driving")
    clear: Condition = Field(description="Clears the alert; must be known to hold, unknown never clears")
    clear_for_s: Seconds = Field(0.0, description="It must hold so long")
    lock: Lock | None = Field(None, description="When it locks in")
    level: Level
    escalate: tuple[Escalation, ...] = Field((), strict=False)
    cooldown_s: Seconds = Field(0.0, description="Not raised again so soon, unless worse")
    attention: Implied | None = Field(None, description="What it says of the driver while active")
    message: str = Field(min_length=1, description="Text with measured values in it, as {eyes.closed_s:.1f}")
    clause: str = Field(min_length=1, description="Where the numbers come from")

    @field_validator("message")
    @classmethod
    def _renders(cls, template: str) -> str:
        try:
            message.check(template)
        except ValueError as error:
            raise _fault(str(error)) from None
        return template

    @field_validator("escalate")
    @classmethod
    def _upward(cls, steps: tuple[Escalation, ...], info: ValidationInfo) -> tuple[Escalation, ...]:
        level, after = LEVELS.index(info.data.get("level", "info")), -math.inf
        for step in steps:
            if LEVELS.index(step.level) <= level:
                raise _fault(f"escalation must go up, and {step.level} is not above {LEVELS[level]}")
            if step.after_s is not None and step.after_s <= after:
                raise _fault("escalation steps must come later and later")
            level, after = LEVELS.index(step.level), step.after_s if step.after_s is not None else after
        return steps

    def leaves(self) -> tuple[Condition, ...]:
        """Return the comparisons that raise or escalate it, in order."""
        worse = (step.when for step in self.escalate if step.when is not None)
        return tuple(leaf for condition in (self.when, *worse) for leaf in condition.leaves())

    def reads(self) -> tuple[str, ...]:
        """Return every signal that decides about it or stands in its message."""
        granted = self.patience.when.leaves() if self.patience else ()
        named = (leaf.signal for leaf in (*self.leaves(), *self.clear.leaves(), *granted))
        return (*(name for name in named if name is not None), *message.check(self.message))


class Profile(Part):
    """A whole policy. Rules are judged in order; one may refer to the rules before it."""

    name: str = Field(pattern=r"^[\w.-]+$", max_length=64)
    description: str = ""
    workplace: bool = Field(False, description="The driver is at work: expressions are no one else's business")
    extends: str | None = Field(None, description="A shipped profile whose rules come before these")
    acknowledge: Level | None = Field(
        None, description="The worst level that the driver's button silences; it ends no alert, and worse is told again"
    )
    standstill: Standstill | None = Field(None, description="What is left of the levels while the car stands")
    rules: tuple[Rule, ...] = Field((), strict=False)

    @field_validator("rules", mode="before")
    @classmethod
    def _not_too_many(cls, rules: object) -> object:
        if isinstance(rules, list | tuple) and len(rules) > MAX_RULES:
            raise _fault_at((MAX_RULES,), f"a profile has at most {MAX_RULES} rules", len(rules))
        return rules

    @field_validator("rules")
    @classmethod
    def _consistent(cls, rules: tuple[Rule, ...], info: ValidationInfo) -> tuple[Rule, ...]:
        # The rules that another profile brings are known only when both are put together.
        alone = info.data.get("extends") is None or (info.context or {}).get("whole", False)
        before: set[str] = set()
        for index, rule in enumerate(rules):
            if rule.id in before:
                raise _fault_at((index, "id"), "this rule stands twice", rule.id)
            granted = rule.patience.when.leaves() if rule.patience else ()
            named = [leaf.signal for leaf in (*rule.leaves(), *rule.clear.leaves(), *granted)]
            if alone:
                _refers_back((index,), named, before)
            before.add(rule.id)
            if alone:
                _refers_back((index, "message"), message.check(rule.message), before)
        return rules

    @model_validator(mode="after")
    def _whole(self) -> Profile:
        if not self.rules and self.extends is None:
            raise _fault("a profile needs at least one rule")
        for index, rule in enumerate(self.rules):
            if rule.id in self.local_rules and rule.attention is not None:
                why = "rests on an expression, which must not leave the machine at a workplace; attention would tell it"
                raise _fault_at(("rules", index, "attention"), f"rule {rule.id} {why}", rule.attention)
        return self

    @property
    def local_rules(self) -> frozenset[str]:
        """The rules whose alerts stay on the machine: at a workplace, those that rest on an expression at all."""
        found: set[str] = set()
        for rule in self.rules if self.workplace else ():
            if any(rests_on_expression(name) or held_rule(name) in found for name in rule.reads()):
                found.add(rule.id)
        return frozenset(found)


def _refers_back(where: tuple[int | str, ...], names: Iterable[str | None], rules: set[str]) -> None:
    """Raise where one of `names` speaks of a rule that is not among `rules`."""
    for name in names:
        other = held_rule(name or "")
        if other is not None and other not in rules:
            raise _fault_at(where, f"refers to {name}, but no rule {other} stands before it", name)
