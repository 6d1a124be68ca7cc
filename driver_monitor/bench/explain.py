"""`driver-monitor explain`: why there was an alert, in plain sentences, from nothing but the alerts themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from driver_monitor.errors import LabelError, UsageError
from driver_monitor.outputs.lines import clock, plain
from driver_monitor.rules.alert import LEVELS, Level, Phase
from driver_monitor.rules.signals import find

MAX_BYTES = 200_000_000
"""Some 200,000 alerts; a vehicle that has more has another problem."""
WIDTH = 60
"""Columns of the timeline."""
MARKS: dict[Phase, str] = {"raised": "!", "escalated": "^", "cleared": "."}


class Reasons(BaseModel):
    """The evidence in an alert."""

    model_config = ConfigDict(extra="ignore")
    measured: dict[str, float | bool | str | None]
    threshold: dict[str, float | bool | str | None]
    window_s: float | None = None
    coverage: float | None = None
    clause: str


class Told(BaseModel):
    """One alert as in events.jsonl; fields that do not explain anything are left alone."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)
    id: str
    episode: str
    t: float = Field(ge=-1e9, le=1e9)
    rule: str
    level: Level
    phase: Phase
    message: str
    evidence: Reasons
    profile: str = "?"
    model: str = "?"
    config: str = "?"


def explain(path: Path, wanted: str | None = None) -> str:
    """Return the story of every episode in `path`, or only of that of the alert or episode whose id begins `wanted`.

    Raises `LabelError` on a file that is none, with the line, and `UsageError` where nothing is called so.
    """
    alerts = list(_read(path))
    episodes: dict[str, list[Told]] = {}
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


def _read(path: Path) -> Iterator[Told]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LabelError(f"{path}: more than {MAX_BYTES} bytes; cut out the days you want to have explained")
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise LabelError(f"{path}: cannot read it: {error.strerror}; give the events.jsonl of a replay") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield Told.model_validate(json.loads(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise LabelError(f"{path}:{number}: not an alert: {where}: {first['msg'].lower()}") from None
        except (ValueError, RecursionError):
            raise LabelError(f"{path}:{number}: not JSON; give the events.jsonl of a replay") from None


def _story(told: list[Told], span: tuple[float, float]) -> str:
    first, last = told[0], told[-1]
    how = f"over {last.t - first.t:.1f} s later" if last.phase == "cleared" else "not over when the record ends"
    lines = [f"{first.rule} ({_worst(told)}), at {clock(first.t)}, {how}", f"  {_timeline(told, span)}"]
    for alert in told:
        lines.append(f"  {clock(alert.t)} {alert.phase} at level {alert.level}: {plain(alert.message)}")
        if alert.phase != "cleared":
            lines += [f"    {reason}" for reason in _reasons(alert.evidence)]
    lines.append(f"  Rule: {plain(first.evidence.clause)}")
    lines.append(
        f"  Decided by profile {first.profile}, configuration {first.config}, models {first.model}; {first.id}"
    )
    return "\n".join(map(_safe, lines))


def _safe(line: str) -> str:
    """Return a line without control characters, its indent kept."""
    return line[: len(line) - len(line.lstrip(" "))] + plain(line)


def _worst(told: list[Told]) -> str:
    return max((alert.level for alert in told), key=LEVELS.index)


def _reasons(evidence: Reasons) -> Iterator[str]:
    for name, value in evidence.measured.items():
        limit = evidence.threshold.get(name)
        yield f"because {_meaning(name)} was {_shown(value, name)}; the limit is {_shown(limit, name)}"
    held = evidence.threshold.get("for_s")
    if held is not None:
        yield f"and that for {_shown(held, '')} s"
    if evidence.window_s is not None:
        seen = "" if evidence.coverage is None else f", of which {evidence.coverage:.0%} could be seen"
        yield f"measured over {evidence.window_s:.0f} s{seen}"


def _meaning(name: str) -> str:
    signal = find(name)
    return {"held_s": "time without a return"}.get(name, name) if signal is None else f"{signal.meaning} ({name})"


def _shown(value: Any, name: str) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | int):
        signal = find(name)
        unit = f" {signal.unit}" if signal is not None and signal.unit else ""
        return f"{value:g}{unit}"
    return plain(value)


def _timeline(told: list[Told], span: tuple[float, float]) -> str:
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
