"""The one place that keeps what a driver's face expresses from leaving the machine, where the driver is at work.

EU AI Act, article 5(1)(f): no inference of emotions at the workplace, safety and medical reasons apart. A profile with
`workplace: true` therefore has no expression read at all until `emotion.safety_purpose` names one (`service`), and
even then what rests on it reaches the driver's own buzzer, LED and this machine's journal only: neither label nor
probability, neither alert nor the gap that a left-out alert would leave in a count.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from driver_monitor.data.observation import Observation
from driver_monitor.messages.wire import Message
from driver_monitor.rules.signals import rests_on_expression

PUBLIC_FIELDS = frozenset((
    "schema", "file", "frame", "t", "face", "eyes", "head", "gaze", "gaze_reason", "mouth", "perclos", "blink_rate",
    "drowsiness", "attention", "degraded", "occlusion", "light", "vehicle", "uptime_s", "t_mono", "camera", "outputs",
    "latency_ms", "heat_c", "versions", "glances", "car", "blink", "nods", "glance",
))  # fmt: skip
"""The fields of a line of signals.jsonl, of `state/` and of `status/` that tell nothing of an expression. A field that
is added there passes only when it is added here too."""


class PrivacyFilter:
    """Hides what rests on an expression, while it is drawn; `rules`: the ids of the rules that do, None: not drawn.

    What it returns is a copy, or the very message where there was nothing to hide.
    """

    def __init__(self, rules: Collection[str] | None = None) -> None:
        self.drawn, self.rules = rules is not None, frozenset(rules or ())

    def alert(self, alert: Message) -> Message | None:
        """Return `alert`, or None where it must stay here.

        An alert without a number was made to stay (`envelope.Stamp`), under whichever profile. Beside the rule's name
        its evidence is looked at.
        """
        if alert.get("seq") is None:
            return None
        evidence = alert.get("evidence") or {}
        named = (*(evidence.get("measured") or {}), *(evidence.get("threshold") or {}))
        tells = alert.get("rule") in self.rules or any(map(rests_on_expression, named))
        return None if self.drawn and tells else alert

    def state(self, state: Message) -> Message:
        """Return a message of `state/`, a line of signals.jsonl or a trace without expression and its alerts."""
        if not self.drawn:
            return state
        return {**self._public(state), "emotion": None, "alerts": self._others(state.get("alerts"))}

    def observation(self, seen: Observation) -> Observation:
        """Return what was seen in a frame, for a trace, without expression."""
        return replace(seen, expression=None) if self.drawn else seen

    def status(self, status: Message) -> Message:
        """Return a message of `status/` in which nobody can see what is hidden.

        Its count of alerts has only those with a number (`health`).
        """
        if not self.drawn:
            return status
        count = {"alerts": status["alerts"]} if "alerts" in status else {}
        return {**self._public(status), "active": self._others(status.get("active")), **count}

    @staticmethod
    def _public(message: Message) -> dict[str, Any]:
        return {name: value for name, value in message.items() if name in PUBLIC_FIELDS}

    def _others(self, names: object) -> list[str]:
        return [name for name in names if name not in self.rules] if isinstance(names, list | tuple) else []
