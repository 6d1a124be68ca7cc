"""Finds the kind of each rule: what its alert warns of. Buzzer and LED have a pattern for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from driver_monitor.data.alert import Kind
from driver_monitor.rules.profile import Condition, Rule
from driver_monitor.signals.table import find, held_rule

BY_ATTENTION: Mapping[str, Kind] = {
    "unresponsive": "unresponsive",
    "asleep": "sleep",
    "drowsy": "drowsiness",
    "distracted": "distraction",
    "unknown": "degraded",
}
"""The kind of a rule by the attention that it implies."""
MORE, LESS = ("above", "at_least"), ("below", "at_most")
CLOSED_EYES: Mapping[str, tuple[str, ...]] = {
    "eyes.closed_s": MORE,
    "eyes.closed_past_yawn_s": MORE,
    "eyes.p_closure": MORE,
    "eyes.p_closed": MORE,
    "eyes.openness": LESS,
}
"""Signals, and the comparisons with which they mean closed eyes. `eyes.state` is a further one, with `is: closed`."""
BY_SIGNAL: Mapping[str, Kind] = {
    "eyes.closed_or_lowered_s": "distraction",
    "eyes.unread_s": "degraded",
    "head.nods": "drowsiness",
    "gaze": "distraction",
    "head": "distraction",
    "look": "distraction",
    "perclos": "drowsiness",
    "drowsiness": "drowsiness",
    "blinks": "drowsiness",
    "mouth": "drowsiness",
    "mouth.object_s": "distraction",
    "phone": "distraction",
    "hand": "distraction",
    "mask": "degraded",
    "face": "degraded",
    "camera": "degraded",
    "degraded": "degraded",
    "occlusion": "degraded",
}
"""The kind of a rule without attention, by a signal or, where it is not here, by the first word of its name."""


def kinds(rules: Iterable[Rule]) -> dict[str, Kind]:
    """Return the kind of each of `rules`, by id. `rules`: in the order of the profile, as they refer back."""
    found: dict[str, Kind] = {}
    for rule in rules:
        found[rule.id] = _kind(rule, found)
    return found


def _kind(rule: Rule, before: Mapping[str, Kind]) -> Kind:
    """Return the kind that `rule` names, else the one of what it judges. `before`: kinds of the rules before it."""
    if rule.kind is not None:
        return rule.kind
    if rule.attention in (None, "drowsy") and _needs_closed_eyes(rule.when, before):
        return "sleep"
    if rule.attention is not None:
        return BY_ATTENTION[rule.attention]
    judged = (_judged(leaf, before) for leaf in rule.when.leaves())
    return next((kind for kind in judged if kind is not None), "other")


def _needs_closed_eyes(condition: Condition, before: Mapping[str, Kind]) -> bool:
    """Return whether `condition` can be true only with closed eyes, or with a rule of the kind `sleep` not over."""
    if condition.all_:
        return any(_needs_closed_eyes(part, before) for part in condition.all_)
    if condition.any_:
        return all(_needs_closed_eyes(part, before) for part in condition.any_)
    name, more = _name(condition), condition.comparison in MORE
    if held_rule(name) is not None:
        return more and before.get(held_rule(name) or "") == "sleep"
    return condition.comparison in CLOSED_EYES.get(name, ()) or (
        name == "eyes.state" and condition.threshold == "closed"
    )


def _judged(leaf: Condition, before: Mapping[str, Kind]) -> Kind | None:
    """Return the kind of what `leaf` compares; None if it is not listed, or asks for a rule that is not active."""
    name = _name(leaf)
    other = held_rule(name)
    if other is not None:
        return before.get(other) if leaf.comparison in MORE else None
    return BY_SIGNAL.get(name) or BY_SIGNAL.get(name.partition(".")[0])


def _name(leaf: Condition) -> str:
    """Return the name in the table of the signal that `leaf` compares; a profile may name it by its JSON path."""
    signal = find(leaf.signal or "")
    return leaf.signal or "" if signal is None or held_rule(leaf.signal or "") else signal.name
