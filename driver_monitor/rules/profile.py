"""Defines the parts of a profile and checks them. A fault has key and reason; `config.yaml_file` adds file and line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from driver_monitor.data.alert import LEVELS, Kind, Level
from driver_monitor.rules import message
from driver_monitor.signals.table import SIGNALS, described, find, held_rule, shows_expression

LONGEST_S = 3600.0
"""The longest time in a rule: one hour. A larger number was probably meant in milliseconds. Ours."""
Seconds = Annotated[float, Field(ge=0, le=LONGEST_S)]
Implied = Literal["distracted", "drowsy", "asleep", "unresponsive", "unknown"]
"""The attention that an active rule may imply. The driver is "attentive" only while no active rule implies any."""
MAX_RULES = 200
"""Every rule is judged in every frame. The largest shipped profile has about a twentieth of this. Ours."""
RULE_ID, PROFILE_NAME = r"^[a-z][a-z0-9_]*$", r"^[\w.-]+$"


def _fault(reason: str) -> PydanticCustomError:
    return PydanticCustomError("profile", "{reason}", {"reason": reason})


def _fault_at(where: tuple[int | str, ...], reason: str, found: object) -> ValidationError:
    """Return an error with this reason at the part `where` (a path of keys), so that the message has its line."""
    return ValidationError.from_exception_data(
        "profile", [InitErrorDetails(type=_fault(reason), loc=where, input=found)]
    )


class Part(BaseModel):
    """Base of all parts of a profile. Unknown keys, wrong types, NaN and infinity are errors; 1 is taken as 1.0."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


class Condition(Part):
    """One comparison of a `signal`, or conditions under `all` or `any`. Unknown if unknown signals could decide it."""

    signal: str | None = Field(None, description=f"Name of a signal. {described()}")
    above: float | None = Field(None, description="True when greater")
    at_least: float | None = Field(None, description="True when greater or equal")
    below: float | None = Field(None, description="True when smaller")
    at_most: float | None = Field(None, description="True when smaller or equal")
    is_: bool | str | None = Field(None, alias="is", description="True when equal; for words and true/false")
    all_: tuple[Condition, ...] = Field((), alias="all", strict=False, description="True when all of these are")
    any_: tuple[Condition, ...] = Field((), alias="any", strict=False, description="True when one of these is")

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
        if sum((self.signal is not None, bool(self.all_), bool(self.any_))) != 1:
            raise _fault("expected exactly one of signal, all, any")
        comparisons = list(self._comparisons())
        if self.signal is None and comparisons:
            raise _fault("a comparison needs a signal")
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
            raise _fault(f"{name} is not a number: compare it with is")
        if signal.kind == "bool" and not isinstance(wanted, bool):
            raise _fault(f"{name} is true or false")
        if signal.kind == "text" and wanted not in signal.choices:
            raise _fault(f"{name} is one of {', '.join(signal.choices)}")

    @property
    def comparison(self) -> str | None:
        """The key of the comparison, such as `at_least`; None for `all` and `any`."""
        return next(iter(self._comparisons()), None)

    @property
    def threshold(self) -> float | str | bool | None:
        """The value that the signal is compared with; None for `all` and `any`."""
        return next(iter(self._comparisons().values()), None)

    def _comparisons(self) -> dict[str, float | str | bool]:
        found = {"is": self.is_, **{name: getattr(self, name) for name in ("above", "at_least", "below", "at_most")}}
        return {name: value for name, value in found.items() if value is not None}

    def leaves(self) -> tuple[Condition, ...]:
        """Return the comparisons in this condition in order, through all levels of `all` and `any`."""
        if self.signal is not None:
            return (self,)
        return tuple(leaf for part in (*self.all_, *self.any_) for leaf in part.leaves())


class Escalation(Part):
    """A step to a worse `level`, after `after_s` without a return and if `when` holds. One of the two may be None."""

    level: Level
    after_s: Seconds | None = Field(None, gt=0, description="Seconds of the alert while `clear` is known to be false")
    when: Condition | None = Field(None, description="Condition that must hold, with `after_s` if that is given")

    @model_validator(mode="after")
    def _whole(self) -> Escalation:
        if self.after_s is None and self.when is None:
            raise _fault("needs after_s or when")
        return self


class Patience(Part):
    """A longer wait in conditions that are not nominal."""

    by_s: Seconds = Field(gt=0, description="Seconds by which `for_s` becomes longer")
    when: Condition = Field(description="The wait is longer while this is known to hold")


class Lock(Part):
    """A longer `clear_for_s`. It applies to an alert from `after_s` seconds without a return until it is cleared."""

    after_s: Seconds = Field(gt=0, description="Seconds without a return after which the lock begins")
    clear_for_s: Seconds = Field(gt=0, description="Seconds for which `clear` must then hold")


class Standstill(Part):
    """Limits alerts to `level` while the car is known to be slower than `below_kmh`."""

    below_kmh: float = Field(gt=0, le=30)
    level: Level


class Rule(Part):
    """One rule: when its alert is raised, escalated and cleared."""

    id: str = Field(max_length=40, json_schema_extra={"pattern": RULE_ID}, description="Name in alerts and topics")
    when: Condition = Field(description="Raises the alert while it holds")
    for_s: Seconds = Field(0.0, description="Seconds for which `when` must hold")
    patience: Patience | None = Field(None, description="A longer `for_s` in conditions that are not nominal")
    from_kmh: float | None = Field(None, ge=0, le=300, description="Not raised below; an unknown speed is driving")
    clear: Condition = Field(description="Clears the alert; must be known to hold")
    clear_for_s: Seconds = Field(0.0, description="Seconds for which `clear` must hold")
    lock: Lock | None = Field(None, description="A longer `clear_for_s` for an ignored alert")
    level: Level
    escalate: tuple[Escalation, ...] = Field((), strict=False)
    cooldown_s: Seconds = Field(0.0, description="Seconds without a new alert after the last one, unless it is worse")
    attention: Implied | None = Field(None, description="The driver's attention while the alert is active")
    kind: Kind | None = Field(None, description="What it warns of, for buzzer and LED; empty: from what it judges")
    mute: bool = Field(
        False, description="Once acknowledged, its alerts are silent until the ignition is off or unknown"
    )
    message: str = Field(min_length=1, description="Text with measured values, such as {eyes.closed_s:.1f}")
    clause: str = Field(min_length=1, description="Where the numbers come from")

    @field_validator("id")
    @classmethod
    def _is_id(cls, name: str) -> str:
        if re.fullmatch(RULE_ID, name) is None:
            raise _fault("a rule id has only small letters, digits and _, and begins with a letter")
        return name

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
                raise _fault(f"escalation must go up: {step.level} is not worse than {LEVELS[level]}")
            if step.after_s is not None and step.after_s <= after:
                raise _fault("after_s must be longer than in the step before")
            level, after = LEVELS.index(step.level), step.after_s if step.after_s is not None else after
        return steps

    def leaves(self) -> tuple[Condition, ...]:
        """Return the comparisons in `when`, then those in the `when` of each escalation, in order."""
        worse = (step.when for step in self.escalate if step.when is not None)
        return tuple(leaf for condition in (self.when, *worse) for leaf in condition.leaves())

    def compared(self) -> tuple[str, ...]:
        """Return the names of the signals in `when`, `escalate`, `clear` and `patience`. Names may repeat."""
        extra = self.patience.when.leaves() if self.patience else ()
        return tuple(leaf.signal or "" for leaf in (*self.leaves(), *self.clear.leaves(), *extra))

    def reads(self) -> tuple[str, ...]:
        """Return the names of the signals in all conditions of the rule and in its message. Names may repeat."""
        return (*self.compared(), *message.check(self.message))


class Profile(Part):
    """The rules of one policy, judged in their order. A rule may use `rule.<id>.held_s` of a rule before it."""

    name: str = Field(max_length=64, json_schema_extra={"pattern": PROFILE_NAME})
    description: str = ""
    workplace: bool = Field(False, description="The driver is at work: expressions stay on this machine")
    extends: str | None = Field(None, description="A shipped profile whose rules come before these")
    acknowledge: Level | None = Field(None, description="The worst level that the driver's button silences")
    standstill: Standstill | None = Field(None, description="A limit for the levels while the car stands still")
    rules: tuple[Rule, ...] = Field((), strict=False)

    @field_validator("name")
    @classmethod
    def _is_name(cls, name: str) -> str:
        if re.fullmatch(PROFILE_NAME, name) is None:
            raise _fault("a profile name has only letters, digits, '.', '-' and '_'")
        return name

    @field_validator("rules", mode="before")
    @classmethod
    def _not_too_many(cls, rules: object) -> object:
        if isinstance(rules, list | tuple) and len(rules) > MAX_RULES:
            raise _fault_at((MAX_RULES,), f"a profile has at most {MAX_RULES} rules", len(rules))
        return rules

    @field_validator("rules")
    @classmethod
    def _consistent(cls, rules: tuple[Rule, ...], info: ValidationInfo) -> tuple[Rule, ...]:
        # The rules of the extended profile are known only after both are merged.
        alone = info.data.get("extends") is None or (info.context or {}).get("whole", False)
        before: set[str] = set()
        for index, rule in enumerate(rules):
            if rule.id in before:
                raise _fault_at((index, "id"), "two rules have this id", rule.id)
            if alone:
                _refers_back((index,), rule.compared(), before)
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
                why = "reads an expression, which must not leave the machine at a workplace; remove attention"
                raise _fault_at(("rules", index, "attention"), f"rule {rule.id} {why}", rule.attention)
            if rule.mute and self.acknowledge is None and self.extends is None:
                why = "mute needs the profile's acknowledge: without it nothing can be acknowledged"
                raise _fault_at(("rules", index, "mute"), why, rule.mute)
            if rule.mute and (rule.attention not in (None, "distracted") or rule.kind not in (None, "distraction")):
                why = "mute is for looks away: an alert about sleep, or about what cannot be seen, must sound each time"
                raise _fault_at(("rules", index, "mute"), why, rule.mute)
        return self

    @property
    def local_rules(self) -> frozenset[str]:
        """Ids of the rules that read an expression, or the `held_s` of such a rule. Empty if not `workplace`."""
        found: set[str] = set()
        for rule in self.rules if self.workplace else ():
            if any(shows_expression(name) or held_rule(name) in found for name in rule.reads()):
                found.add(rule.id)
        return frozenset(found)


def _refers_back(where: tuple[int | str, ...], names: Iterable[str], rules: set[str]) -> None:
    """Raise an error at `where` if one of `names` is the `held_s` of a rule that is not in `rules`."""
    for name in names:
        other = held_rule(name)
        if other is not None and other not in rules:
            raise _fault_at(where, f"refers to {name}, but no rule {other} comes before it", name)
