"""`driver-monitor explain`: why there was an alert, in plain sentences, from nothing but the alerts themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from driver_monitor.data.alert import LEVELS, Level, Phase
from driver_monitor.errors import LabelError, UsageError
from driver_monitor.messages.lines import clock, plain
from driver_monitor.rules.conditions import OPERATORS
from driver_monitor.signals.table import find, held_rule

MAX_BYTES = 200_000_000
"""Some 200,000 alerts; a vehicle that has more has another problem."""
WIDTH = 60
"""Columns of the timeline."""
WORDS = {"above": "more than ", "at_least": "at least ", "below": "less than ", "at_most": "at most "}
ROUNDING = 5e-4
"""Values are told to three digits; a value as near to its limit has passed it."""
MARKS: dict[Phase, str] = {"raised": "!", "escalated": "^", "cleared": "."}


class RecordedEvidence(BaseModel):
    """The evidence in an alert."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)
    measured: dict[str, float | bool | str | None]
    threshold: dict[str, float | bool | str | None]
    window_s: float | None = None
    coverage: float | None = None
    clause: str
    compared: dict[str, str] = Field(default_factory=dict)
    interval: dict[str, tuple[float, float]] = Field(default_factory=dict)


class RecordedAlert(BaseModel):
    """One alert as in events.jsonl; fields that do not explain anything are left alone."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)
    id: str
    episode: str
    t: float = Field(ge=-1e9, le=1e9)
    rule: str
    level: Level
    phase: Phase
    message: str
    evidence: RecordedEvidence
    profile: str = "?"
    model: str = "?"
    config: str = "?"


def explain(path: Path, wanted: str | None = None) -> str:
    """Return the story of every episode in `path`, or only of that of the alert or episode whose id begins `wanted`.

    Raises `LabelError` on a file that is none, with the line, and `UsageError` where nothing is called so.
    """
    alerts = list(_read(path))
    episodes: dict[str, list[RecordedAlert]] = {}
    for alert in alerts:
        episodes.setdefault(alert.episode, []).append(alert)
    if wanted is not None:
        named = {alert.episode for alert in alerts if alert.id.startswith(wanted) or alert.episode.startswith(wanted)}
        if not named:
            raise UsageError(f"{path}: no alert and no episode is called {wanted!r:.50}; leave --id out to see all")
        episodes = {name: told for name, told in episodes.items() if name in named}
    if not episodes:
        return f"{path}: no alert was raised"
    span = (min(alert.t for alert in alerts), max(alert.t for alert in alerts))
    return "\n\n".join(_story(told, span) for told in episodes.values())


def _read(path: Path) -> Iterator[RecordedAlert]:
    try:
        if path.exists() and not path.is_file():
            raise LabelError(f"{path}: not a file; give the events.jsonl of a replay")
        if path.stat().st_size > MAX_BYTES:
            raise LabelError(f"{path}: more than {MAX_BYTES} bytes; cut out the days you want to have explained")
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise LabelError(f"{path}: cannot read it: {error.strerror}; give the events.jsonl of a replay") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield RecordedAlert.model_validate(json.loads(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise LabelError(f"{path}:{number}: not an alert: {where}: {first['msg'].lower()}") from None
        except (ValueError, RecursionError):
            raise LabelError(f"{path}:{number}: not JSON; give the events.jsonl of a replay") from None


def _story(told: list[RecordedAlert], span: tuple[float, float]) -> str:
    first, last = told[0], told[-1]
    lines = [f"{first.rule} ({_worst(told)}), {_when(first, last)}", f"  {_timeline(told, span)}"]
    for alert in told:
        lines.append(f"  {clock(alert.t)} {alert.phase} at level {alert.level}: {plain(alert.message)}")
        if alert.phase != "cleared":
            lines += [f"    {reason}" for reason in _reasons(alert.evidence)]
    lines.append(f"  Rule: {plain(first.evidence.clause)}")
    lines.append(
        f"  Decided by profile {first.profile}, configuration {first.config}, models {first.model}; {first.id}"
    )
    return "\n".join(map(_safe, lines))


def _when(first: RecordedAlert, last: RecordedAlert) -> str:
    over = last.phase == "cleared"
    if first.phase != "raised":
        return "raised before the record begins, " + (f"over at {clock(last.t)}" if over else "not over when it ends")
    how = f"over {last.t - first.t:.1f} s later" if over else "not over when the record ends"
    return f"at {clock(first.t)}, {how}"


def _safe(line: str) -> str:
    """Return a line without control characters, its indent kept."""
    return line[: len(line) - len(line.lstrip(" "))] + plain(line)


def _worst(told: list[RecordedAlert]) -> str:
    return max((alert.level for alert in told), key=LEVELS.index)


def _reasons(evidence: RecordedEvidence) -> Iterator[str]:
    weighed = {name: _holds(name, evidence) for name in evidence.measured}
    # What speaks for the alert stands first; a record of before `compared` was told has all of its limits there.
    for name, holds in sorted(weighed.items(), key=lambda one: one[1] is not True):
        value = _shown(evidence.measured[name], name)
        if name not in evidence.threshold:
            yield f"with {_meaning(name)}: {value}{_between(name, evidence)}"
            continue
        words, limit = WORDS.get(evidence.compared.get(name, ""), ""), _shown(evidence.threshold[name], name)
        link = "because" if holds else "while"
        wanted = "the rule asks for" if evidence.compared.get(name) == "is" else f"the limit is {words}".rstrip()
        yield f"{link} {_meaning(name)} was {value}{_between(name, evidence)}; {wanted} {limit}"
    held = evidence.threshold.get("for_s")
    if held is not None:
        yield f"and that for {_shown(held, '')} s"
    if evidence.window_s is not None:
        seen = "" if evidence.coverage is None else f", of which {evidence.coverage:.0%} could be seen"
        yield f"measured over {evidence.window_s:.0f} s{seen}"


def _holds(name: str, evidence: RecordedEvidence) -> bool | None:
    """Say whether a value lies beyond its limit, None where neither can be said."""
    value, limit, how = evidence.measured[name], evidence.threshold.get(name), evidence.compared.get(name)
    if limit is None or value is None:
        return None
    if how is None:
        return True
    if how in OPERATORS and isinstance(value, float) and isinstance(limit, float):
        return OPERATORS[how](value, limit) or abs(value - limit) <= ROUNDING
    return value == limit


def _between(name: str, evidence: RecordedEvidence) -> str:
    bounds = evidence.interval.get(name)
    if bounds is None or bounds[0] == bounds[1]:
        return ""
    return f" (between {_shown(bounds[0], name)} and {_shown(bounds[1], name)}, as far as could be seen)"


def _meaning(name: str) -> str:
    signal, other = find(name), held_rule(name)
    if other is not None:
        return f"how long the alert {other} has gone without a return ({name})"
    return {"held_s": "time without a return"}.get(name, name) if signal is None else f"{signal.meaning} ({name})"


def _shown(value: Any, name: str) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | int):
        return f"{value:g}{_unit(name)}"
    return plain(value)


def _unit(name: str) -> str:
    signal = find(name)
    unit = "s" if name == "held_s" else signal.unit if signal is not None else ""
    return f" {unit}" if unit else ""


def _timeline(told: list[RecordedAlert], span: tuple[float, float]) -> str:
    """Return the whole record as a line: where the alert was raised (!), got worse (^), held (=), was over (.)."""
    start, length = span[0], max(span[1] - span[0], 1e-9)

    def column(t: float) -> int:
        return min(int((t - start) / length * WIDTH), WIDTH - 1)

    line = ["-"] * WIDTH
    end = column(told[-1].t) if told[-1].phase == "cleared" else WIDTH - 1
    for i in range(column(told[0].t), end + 1):
        line[i] = "="
    for alert in reversed(told):
        line[column(alert.t)] = MARKS[alert.phase]
    return "".join(line)
