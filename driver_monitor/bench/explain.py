"""Explain in plain sentences why alerts were raised, from events.jsonl, for `driver-monitor explain`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from driver_monitor.bench.files import first_fault, read_bytes
from driver_monitor.bench.runs.read_run import Run, read_run
from driver_monitor.bench.runs.run_folder import EVENTS
from driver_monitor.data.alert import LEVELS, Level, Phase, Value
from driver_monitor.errors import LabelError, RunError, UsageError
from driver_monitor.messages.lines import clock, plain
from driver_monitor.rules.conditions import OPERATORS
from driver_monitor.signals.table import find, held_rule

MAX_BYTES = 200_000_000
"""Largest file that is read: about 200,000 alerts."""
WIDTH = 60
"""Columns of the timeline."""
ROUNDING = 5e-4
"""A number that is at most this far from its limit counts as reached, because records have three decimals."""
MARKS: dict[Phase, str] = {"raised": "!", "escalated": "^", "cleared": "."}
LEGEND = "! raised, ^ escalated, = active, . cleared"
WHOLE, PART = "Timeline of the whole clip", "Timeline from the first alert to the last"
"""Start of the legend: with the run of the events, and without."""
PHRASES = {
    "blinks.per_min": "Blinks",
    "camera.fault_s": "No usable picture for",
    "drowsiness.kss": "Sleepiness",
    "emotion.distress_s": "Anger or fear for",
    "emotion.held_s": "Same expression for",
    "eyes.closed_or_lowered_s": "Eyes closed or lowered for",
    "eyes.closed_past_yawn_s": "Eyes closed, yawns not counted, for",
    "eyes.closed_s": "Eyes closed for",
    "eyes.p_closed": "Probability of closed eyes in the frame",
    "eyes.p_closure": "Probability that the closure is one",
    "eyes.unread_s": "Eyes not readable for",
    "face.absent_s": "No face for",
    "gaze.away_s": "Gaze off the road for",
    "gaze.down_s": "Gaze low in front of the driver for",
    "gaze.glances": "Number of glances",
    "gaze.glances_s": "Sum of glances off the road",
    "gaze.road_s": "Gaze on the road for",
    "hand.on_face_s": "Hand on the face for",
    "held_s": "Alert not cleared for",
    "mouth.object_s": "Object at the mouth for",
    "mouth.yawns": "Yawns",
    "perclos.coverage": "Eyes readable, share of the window",
    "perclos.value": "Eyes closed, share of the window (PERCLOS)",
    "phone.at_ear_s": "Telephone at the ear for",
    "vehicle.speed_kmh": "Speed",
}
"""Signal -> start of the line about it. The line of any other signal begins with the words of the signal's name."""
UNKNOWN = "unknown"
LIMITS = {"above": "must be above {}", "below": "must be below {}", "at_most": "must be at most {}", "is": "must be {}"}


class RecordedEvidence(BaseModel):
    """The evidence of a recorded alert. By signal: `measured` values (None: unknown), limits (`threshold`), `interval`.

    `threshold` also has `for_s`, `held_s`. `compared`: signal -> comparison. `window_s`, `coverage`: None: no window.
    """

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)
    measured: dict[str, float | bool | str | None]
    threshold: dict[str, float | bool | str | None]
    window_s: float | None = None
    coverage: float | None = None
    clause: str
    compared: dict[str, str] = Field(default_factory=dict)
    interval: dict[str, tuple[float, float]] = Field(default_factory=dict)


class RecordedAlert(BaseModel):
    """One line of events.jsonl: the fields that an explanation needs. All other fields are ignored."""

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


def explain(path: Path, wanted: str = "") -> str:
    """Return a text that explains the episodes in the file `path`, and a legend of their timelines.

    `wanted`: start of an episode's id, or of one of its alerts' ids; "": all. An empty file gives a text that no alert
    was raised. Raises `LabelError`: unreadable, or a line is not an alert; `UsageError`: no id begins with `wanted`.
    """
    alerts = list(_read(path))
    episodes = episodes_of(alerts)
    named = [
        one for one in episodes if any(alert.id.startswith(wanted) for alert in one) or _id(one).startswith(wanted)
    ]
    if wanted and not named:
        raise UsageError(f"{path}: no alert or episode has an id that begins with {wanted!r:.50}; omit --id for all")
    if not named:
        return f"{path}: no alert was raised"
    seconds = _seconds_beside(path)
    span = span_of(alerts, seconds)
    legend = f"{PART if seconds is None else WHOLE}: {LEGEND}"
    return "\n\n".join([*(story(episode, span) for episode in named), legend])


def episodes_of(alerts: Sequence[RecordedAlert]) -> list[list[RecordedAlert]]:
    """Return the alerts of each episode, in the order in which the episodes begin."""
    episodes: dict[str, list[RecordedAlert]] = {}
    for alert in alerts:
        episodes.setdefault(alert.episode, []).append(alert)
    return list(episodes.values())


def span_of(alerts: Sequence[RecordedAlert], seconds: float | None) -> tuple[float, float]:
    """Return the two ends of a timeline, seconds. `seconds`: length of the clip; None: from first to last alert."""
    ends = [] if seconds is None else [0.0, seconds]
    times = [*ends, *(alert.t for alert in alerts)]
    return min(times), max(times)


def seconds_of(run: Run) -> float | None:
    """Return the time of the last frame of a run, None if its run.json does not say it."""
    seconds = run.info.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) and 0 <= seconds <= 1e9 else None


def _seconds_beside(path: Path) -> float | None:
    if path.name != EVENTS:
        return None
    try:
        return seconds_of(read_run(path.parent))
    except RunError:
        return None


def _id(episode: list[RecordedAlert]) -> str:
    return episode[0].episode


def _read(path: Path) -> Iterator[RecordedAlert]:
    wanted = "the events.jsonl of a replay"
    for number, line in enumerate(read_bytes(path, MAX_BYTES, wanted).splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield RecordedAlert.model_validate(json.loads(line))
        except ValidationError as error:
            raise LabelError(f"{path}:{number}: not an alert: {first_fault(error)}") from None
        except (ValueError, RecursionError):
            raise LabelError(f"{path}:{number}: not JSON; give {wanted}") from None


def story(episode: list[RecordedAlert], span: tuple[float, float]) -> str:
    """Return the text that explains the alerts of one `episode`. `span`: as `span_of` all alerts of the record."""
    first, worst = episode[0], max((alert.level for alert in episode), key=LEVELS.index)
    lines = [f"{first.rule} ({worst}): {_when(first, episode[-1])}", f"  {_timeline(episode, span)}"]
    for alert in episode:
        phase = "cleared" if alert.phase == "cleared" else f"{alert.phase} ({alert.level})"
        lines.append(f"  {clock(alert.t)} {phase}: {alert.message.removeprefix('Over: ')}")
        if alert.phase != "cleared":
            lines += [f"    {fact}" for fact in _facts(alert.evidence)]
    lines.append(f"  Rule: {first.evidence.clause}")
    origin = f"profile {first.profile}, configuration {first.config}, models {first.model}"
    lines.append(f"  Made with {origin}; alert {first.id}")
    return "\n".join(map(_safe, lines))


def _when(first: RecordedAlert, last: RecordedAlert) -> str:
    begin = f"raised at {clock(first.t)}" if first.phase == "raised" else "raised before the record begins"
    if last.phase != "cleared":
        return f"{begin}, still active when the record ends"
    after = f" after {last.t - first.t:.1f} s" if first.phase == "raised" else ""
    return f"{begin}, cleared at {clock(last.t)}{after}"


def _safe(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" "))] + plain(line)  # without control characters, with its indent


def _facts(evidence: RecordedEvidence) -> Iterator[str]:
    """Yield a line for each measured value, values that reached their limit first; then lines on `for_s` and window."""
    reached = {name: _reached(name, evidence) for name in evidence.measured}
    for name in sorted(reached, key=lambda name: reached[name] is not True):
        value, notes = _text(evidence.measured[name], name), [name]
        if name in evidence.threshold:
            limit = _text(evidence.threshold[name], name)
            rule = LIMITS.get(evidence.compared.get(name, ""))
            notes.insert(0, f"limit {limit}" if rule is None else rule.format(limit))
            if reached[name] is False:
                notes.insert(1, "not reached" if rule is None else "not met")
                value = f"{evidence.measured[name]} s" if value == limit else value  # Rounded, it would look reached.
        bounds = evidence.interval.get(name)
        if bounds is not None and bounds[0] != bounds[1]:
            notes.insert(0, f"possible {_text(bounds[0], name)} to {_text(bounds[1], name)}")
        yield f"{_sentence(name, value)} ({', '.join(notes)})"
    held = evidence.threshold.get("for_s")
    if held is not None:
        yield f"All this for at least {_text(held, 'held_s')} (for_s)"
    if evidence.window_s is not None:
        part = "" if evidence.coverage is None else f"; measurable for {_percent(evidence.coverage)} of that time"
        yield f"Measured over the last {evidence.window_s:.0f} s{part}"


def _reached(name: str, evidence: RecordedEvidence) -> bool | None:
    """Return whether the value of signal `name` has reached its limit, None if value or limit is missing."""
    value, limit, how = evidence.measured[name], evidence.threshold.get(name), evidence.compared.get(name)
    if limit is None or value is None:
        return None
    if how is None:
        return True  # An old record: it has only the limits that led to the alert.
    if how in OPERATORS and isinstance(value, float) and isinstance(limit, float):
        return OPERATORS[how](value, limit) or abs(value - limit) <= ROUNDING
    return value == limit


def _sentence(name: str, value: str) -> str:
    other, words = held_rule(name), name.replace(".", " ").replace("_", " ")
    phrase = f"Alert {other} not cleared for" if other else PHRASES.get(name, words[:1].upper() + words[1:])
    if phrase.endswith(" for") and value != UNKNOWN:
        return f"{phrase} {value}"
    return f"{phrase.removesuffix(' for')}: {value}"


def _text(value: Value, name: str) -> str:
    """Return a value of the signal `name` as text with its unit: seconds with one decimal, shares in percent."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    signal = find(name)
    unit = "s" if name == "held_s" else signal.unit if signal is not None else ""
    if unit == "s":
        return f"{value:.1f} s"
    if signal is not None and signal.high == 1.0:
        return _percent(value)
    return f"{value:g} {unit}".rstrip()


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _timeline(episode: list[RecordedAlert], span: tuple[float, float]) -> str:
    """Return a line of `WIDTH` columns for the time of the whole record, with the marks of `LEGEND` for one episode."""
    start, length = span[0], max(span[1] - span[0], 1e-9)

    def column(t: float) -> int:
        return min(int((t - start) / length * WIDTH), WIDTH - 1)

    begin, end = column(episode[0].t), column(episode[-1].t) if episode[-1].phase == "cleared" else WIDTH - 1
    line = ["-"] * begin + ["="] * (end + 1 - begin) + ["-"] * (WIDTH - 1 - end)
    for alert in reversed(episode):
        line[column(alert.t)] = MARKS[alert.phase]
    return "".join(line)
