"""What can be set in a profile: a path for each limit, time and level that decides when an alert comes.

`rules.microsleep.for_s`, `rules.microsleep.when.eyes.closed_s`, `rules.microsleep.escalate.critical.after_s`.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from driver_monitor.data.alert import Value
from driver_monitor.errors import UsageError
from driver_monitor.rules.profile import Condition, Profile, Rule

Keys = tuple[str | int, ...]
_IN_RULE: tuple[Keys, ...] = (
    ("for_s",),
    ("patience", "by_s"),
    ("from_kmh",),
    ("clear_for_s",),
    ("lock", "after_s"),
    ("lock", "clear_for_s"),
    ("level",),
    ("cooldown_s",),
)
"""Values of a rule that are no limits of signals. The others (attention, kind, mute, texts) move no alert in time."""
NEAR = 3
"""Most paths that an error suggests."""


@dataclass(frozen=True, slots=True)
class ProfilePlace:
    """A value of a profile. `path`: its name for users. `keys`: where it is in `plain`. `value`: None: not set.

    `comparison`: of a limit, such as `at_least`; empty for all else.
    """

    path: str
    keys: Keys
    value: Value
    comparison: str = ""


def plain(profile: Profile) -> dict[str, Any]:
    """Return a profile as the object of its file, without `extends`: the rules that it extends are among its own."""
    values = profile.model_dump(by_alias=True, exclude_defaults=True, exclude={"extends"})
    return dict(values)


def places(profile: Profile) -> dict[str, ProfilePlace]:
    """Return all that can be set in a profile, by path, in the order of the file."""
    values = plain(profile)
    found: list[ProfilePlace] = []
    for key in ("below_kmh", "level") if profile.standstill else ():
        found.append(ProfilePlace(f"standstill.{key}", ("standstill", key), values["standstill"][key]))
    for index, rule in enumerate(profile.rules):
        found += _in_rule(rule, ("rules", index), values["rules"][index])
    return {place.path: place for place in found}


def find_place(profile: Profile, path: str) -> ProfilePlace:
    """Return the place with this path. Raises `UsageError` that lists what exists there."""
    known = places(profile)
    if path in known:
        return known[path]
    first, _, rest = path.partition(".")
    rule, _, inner = rest.partition(".")
    ids = [one.id for one in profile.rules]
    if first != "rules" or rule not in ids:
        parts = ["standstill.below_kmh, standstill.level"] if profile.standstill else []
        there = "; ".join([*parts, f"rules.ID with the ID {', '.join(ids)}"])
        raise UsageError(f"--set {path}: no such value; {profile.name} has {there}; `sweep --paths` lists all")
    own = [name.removeprefix(f"rules.{rule}.") for name in known if name.startswith(f"rules.{rule}.")]
    same = [name for name in own if name.startswith(f"{inner}.")]
    near = same or difflib.get_close_matches(inner, own, NEAR)
    hint = f"; perhaps {' or '.join(near)}" if near else ""
    raise UsageError(f"--set {path}: no such value; rules.{rule} has {', '.join(own)}{hint}")


def changed(values: Mapping[str, Any], keys: Keys, value: Value) -> dict[str, Any]:
    """Return the object of a profile with `value` at `keys`. None removes the key. The parts that differ are new."""
    whole = dict(values)
    part: Any = whole
    for key in keys[:-1]:
        inner = part[key]
        part[key] = dict(inner) if isinstance(inner, Mapping) else list(inner)
        part = part[key]
    if value is None:
        part.pop(keys[-1], None)
    else:
        part[keys[-1]] = value
    return whole


def _in_rule(rule: Rule, keys: Keys, values: Mapping[str, Any]) -> Iterator[ProfilePlace]:
    base = f"rules.{rule.id}"
    yield from _limits(rule.when, f"{base}.when", (*keys, "when"))
    for inner in _IN_RULE:
        if len(inner) == 2 and inner[0] not in values:
            continue
        part = getattr(rule, str(inner[0]))
        value = part if len(inner) == 1 else getattr(part, str(inner[1]))
        yield ProfilePlace(f"{base}.{'.'.join(map(str, inner))}", (*keys, *inner), value)
    if rule.patience is not None:
        yield from _limits(rule.patience.when, f"{base}.patience.when", (*keys, "patience", "when"))
    yield from _limits(rule.clear, f"{base}.clear", (*keys, "clear"))
    for index, step in enumerate(rule.escalate):
        path, inner = f"{base}.escalate.{step.level}", (*keys, "escalate", index)
        if step.after_s is not None:
            yield ProfilePlace(f"{path}.after_s", (*inner, "after_s"), step.after_s)
        if step.when is not None:
            yield from _limits(step.when, f"{path}.when", (*inner, "when"))


def _limits(condition: Condition, path: str, keys: Keys) -> Iterator[ProfilePlace]:
    """Yield the limits in a condition. A signal that stands there twice gets a number from 1: `eyes.closed_s.2`."""
    leaves = list(_leaves(condition, keys))
    often = Counter(leaf.signal for leaf, _ in leaves)
    seen: Counter[str | None] = Counter()
    for leaf, where in leaves:
        seen[leaf.signal] += 1
        number = f".{seen[leaf.signal]}" if often[leaf.signal] > 1 else ""
        comparison = leaf.comparison or ""
        yield ProfilePlace(f"{path}.{leaf.signal}{number}", (*where, comparison), leaf.threshold, comparison)


def _leaves(condition: Condition, keys: Keys) -> Iterator[tuple[Condition, Keys]]:
    """Yield the comparisons in a condition, in the order of `Condition.leaves`, with their keys."""
    if condition.signal is not None:
        yield condition, keys
    for name, parts in (("all", condition.all_), ("any", condition.any_)):
        for index, part in enumerate(parts):
            yield from _leaves(part, (*keys, name, index))
