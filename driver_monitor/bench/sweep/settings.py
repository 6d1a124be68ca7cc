"""The settings of a sweep: the values that a user asks for, and a checked profile for each combination of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError

from driver_monitor.bench.files import first_fault
from driver_monitor.bench.sweep.places import ProfilePlace, changed, find_place, plain
from driver_monitor.data.alert import Value
from driver_monitor.errors import UsageError
from driver_monitor.rules.profile import Profile, Rule

MOST_SETTINGS = 10_000
"""Most settings of one sweep (ours). On the clips of docs/sweep.md they take some minutes."""
WORDS: Mapping[str, Value] = {"true": True, "false": False, "null": None}
"""Values that are no numbers and no text, as in a profile. null: the key is removed."""
FORMS = "give a range FROM:TO:STEP, or values with commas"


@dataclass(frozen=True, slots=True)
class Axis:
    """One `--set`: a place of the profile, and the values to try there, in order."""

    place: ProfilePlace
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class SweepSetting:
    """A combination of values, one for each axis. `profile`: with these values; None: invalid, and `fault` says why.

    `present`: the values are those that the profile has now.
    """

    values: tuple[Value, ...]
    profile: Profile | None
    fault: str = ""
    present: bool = False

    @property
    def name(self) -> str:
        """The values in one text."""
        return ", ".join(map(shown, self.values))


def shown(value: Value) -> str:
    """Return a value as a user writes it."""
    words = {True: "true", False: "false", None: "null"}
    if value is None or isinstance(value, bool):
        return words[value]
    return f"{value:g}" if isinstance(value, int | float) else value


def parse_axes(profile: Profile, options: Sequence[str]) -> tuple[Axis, ...]:
    """Return the axes that `PATH=VALUES` options ask for. Raises `UsageError`."""
    axes = [_axis(profile, option) for option in options]
    paths = [axis.place.path for axis in axes]
    for path in paths:
        if paths.count(path) > 1:
            raise UsageError(f"--set {path}: is given twice; give all its values in one --set, with commas")
    count = math.prod(len(axis.values) for axis in axes)
    if count > MOST_SETTINGS:
        raise UsageError(f"--set: {count} settings; at most {MOST_SETTINGS} in one sweep: give fewer values")
    return tuple(axes)


def settings_of(profile: Profile, axes: Sequence[Axis]) -> tuple[SweepSetting, ...]:
    """Return a setting for each combination of the values, the last axis fastest. The present one is among them.

    If no combination is the present one, it is added: first, or among the numbers of a single axis in order. Each
    profile is checked like a file. Rules that are equal are the same object in all of them.
    """
    base, rules = _unchanged_rules_checked(profile, axes), {rule: rule for rule in profile.rules}
    now = tuple(axis.place.value for axis in axes)
    combined = list(itertools.product(*(axis.values for axis in axes)))
    found = [_setting(profile, base, axes, values, rules) for values in combined if values != now]
    found.insert(_place_of(now, combined), SweepSetting(now, profile, present=True))
    return tuple(found)


def _place_of(now: tuple[Value, ...], combined: Sequence[tuple[Value, ...]]) -> int:
    """Return the place of the present values among the others."""
    if now in combined:
        return combined.index(now)
    numbers = [value for values in (now, *combined) for value in values if isinstance(value, int | float)]
    if len(now) > 1 or len(numbers) <= len(combined):
        return 0
    return sum(number < numbers[0] for number in numbers[1:])


def _setting(
    profile: Profile, base: dict[str, Any], axes: Sequence[Axis], values: tuple[Value, ...], rules: dict[Rule, Rule]
) -> SweepSetting:
    for axis, value in zip(axes, values, strict=True):
        base = changed(base, axis.place.keys, value)
    try:
        checked = Profile.model_validate(base)
    except ValidationError as error:
        return SweepSetting(values, None, _named(profile, first_fault(error)))
    same = tuple(rules.setdefault(rule, rule) for rule in checked.rules)
    return SweepSetting(values, checked.model_copy(update={"rules": same}))


def _unchanged_rules_checked(profile: Profile, axes: Sequence[Axis]) -> dict[str, Any]:
    """Return the object of `profile`, with the rules that no axis changes as they are: they are checked already."""
    base = plain(profile)
    touched = {axis.place.keys[1] for axis in axes if axis.place.keys[0] == "rules"}
    rules = zip(base["rules"], profile.rules, strict=True)
    return {**base, "rules": [values if number in touched else rule for number, (values, rule) in enumerate(rules)]}


def _named(profile: Profile, fault: str) -> str:
    """Return a fault with the ids of rules instead of their numbers."""
    for index, rule in enumerate(profile.rules):
        fault = fault.replace(f"rules[{index}]", f"rules.{rule.id}")
    return fault


def _axis(profile: Profile, option: str) -> Axis:
    path, separator, text = option.partition("=")
    if not separator or not text:
        raise UsageError(f"--set {option}: expected PATH=VALUES; {FORMS}")
    place = find_place(profile, path.strip())
    given = (value for part in text.split(",") for value in _values(path, part.strip()))
    # By type too: true equals 1.
    unique = {(type(value), value): value for value in given}
    return Axis(place, tuple(unique.values()))


def _values(path: str, text: str) -> Iterator[Value]:
    """Yield the values of one part between commas."""
    if not text:
        raise UsageError(f"--set {path}: a value is missing between commas; {FORMS}")
    if text in WORDS:
        yield WORDS[text]
    elif ":" in text:
        yield from _range(path, text)
    else:
        value = _number(text)
        yield text if value is None else float(value)


def _range(path: str, text: str) -> Iterator[float]:
    parts = [_number(part.strip()) for part in text.split(":")]
    numbers = [part for part in parts if part is not None]
    if len(parts) != 3 or len(numbers) != 3:
        raise UsageError(f"--set {path}: {text} is not a range of numbers FROM:TO:STEP")
    first, last, step = numbers
    if step <= 0 or last < first:
        raise UsageError(f"--set {path}: {text}: TO must be at least FROM, and STEP more than 0")
    count = int((last - first) / step) + 1
    if count > MOST_SETTINGS:
        raise UsageError(f"--set {path}: {text} has {count:.3g} values; at most {MOST_SETTINGS} in one sweep")
    # Decimal: 0.8 and three steps of 0.2 are 1.4, and not 1.4000000000000001.
    yield from (float(first + step * number) for number in range(count))


def _number(text: str) -> Decimal | None:
    """Return a finite number, None if `text` is none."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) < 300 else None
