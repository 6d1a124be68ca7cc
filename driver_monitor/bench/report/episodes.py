"""The alerts of a run as episodes with their explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from driver_monitor.bench.explain import RecordedAlert, episodes_of, seconds_of, span_of, story
from driver_monitor.bench.files import first_fault
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.data.alert import LEVELS
from driver_monitor.errors import RunError


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from raised to cleared. `start`, `end`: seconds; `end` None: still active when the record ends.

    `level`: the worst one. `message`: of the first alert. `text`: that of `driver-monitor explain`. `ids`: of the
    alerts of this episode.
    """

    rule: str
    level: str
    start: float
    end: float | None
    message: str
    text: str
    ids: tuple[str, ...]


def read_episodes(run: Run) -> tuple[list[Episode], list[tuple[str, float]]]:
    """Return the episodes of a run in the order in which they begin, and rule and time of each alert that was raised.

    Raises `RunError`: events.jsonl is unreadable, or a line is no alert.
    """
    alerts = [_alert(run, number, alert) for number, alert in enumerate(run.alerts(), 1)]
    if not alerts:
        return [], []
    span = span_of(alerts, seconds_of(run))
    raised = [(alert.rule, alert.t) for alert in alerts if alert.phase == "raised"]
    return [_episode(episode, span) for episode in episodes_of(alerts)], raised


def _alert(run: Run, number: int, alert: Mapping[str, Any]) -> RecordedAlert:
    try:
        return RecordedAlert.model_validate(alert)
    except ValidationError as error:
        reason = first_fault(error)
        raise RunError(f"{run.folder}/events.jsonl:{number}: not an alert: {reason}; replay the clip again") from None


def _episode(alerts: list[RecordedAlert], span: tuple[float, float]) -> Episode:
    first, last = alerts[0], alerts[-1]
    return Episode(
        first.rule,
        max((alert.level for alert in alerts), key=LEVELS.index),
        first.t,
        last.t if last.phase == "cleared" else None,
        first.message.removeprefix("Over: "),
        story(alerts, span),
        tuple(alert.id for alert in alerts),
    )


def by_rule(episodes: Sequence[Episode]) -> dict[str, int]:
    """Return rule -> number of episodes, in order of rule."""
    rules = sorted({episode.rule for episode in episodes})
    return {rule: sum(episode.rule == rule for episode in episodes) for rule in rules}
