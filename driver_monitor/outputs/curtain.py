"""The one place that keeps what a driver's face expresses from leaving the machine, where the driver is at work.

EU AI Act, article 5(1)(f): no inference of emotions at the workplace, safety and medical reasons apart. A profile with
`workplace: true` therefore has no expression read at all until `emotion.safety_purpose` names one (`service`), and
even then what rests on it reaches the driver's own buzzer, LED and this machine's journal only: neither label nor
probability, neither alert nor the gap that a left-out alert would leave in a count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from driver_monitor.rules.signals import rests_on_expression

Message = Mapping[str, Any]


class Curtain:
    """Hides what rests on an expression, while it is drawn; `rules`: the ids of the rules that do, None: not drawn.

    What it returns is a copy, or the very message where there was nothing to hide.
    """

    def __init__(self, rules: Collection[str] | None = None) -> None:
        self.drawn, self.rules = rules is not None, frozenset(rules or ())
        self._hidden = 0

    def alert(self, alert: Message) -> Message | None:
        """Return `alert`, or None where it must stay here.

        Beside the rule's name its evidence is looked at, because a rule of another profile may end after a reload; and
        an alert without a number was made to stay (`envelope.Stamp`).
        """
        evidence = alert.get("evidence") or {}
        named = (*(evidence.get("measured") or {}), *(evidence.get("threshold") or {}))
        hidden = alert.get("rule") in self.rules or "seq" not in alert or alert["seq"] is None
        if not self.drawn or not (hidden or any(map(rests_on_expression, named))):
            return alert
        self._hidden += alert.get("phase") == "raised"
        return None

    def state(self, state: Message) -> Message:
        """Return a message of `state/`, a line of signals.jsonl or a trace without expression and its alerts."""
        if not self.drawn:
            return state
        return {**state, "emotion": None, "alerts": self._others(state.get("alerts"))}

    def status(self, status: Message) -> Message:
        """Return a message of `status/` in which nobody can see or count what is hidden."""
        if not self.drawn:
            return status
        alerts = status.get("alerts")
        count = {} if alerts is None else {"alerts": alerts - self._hidden}
        return {**status, "active": self._others(status.get("active")), **count}

    def _others(self, names: object) -> list[str]:
        return [name for name in names if name not in self.rules] if isinstance(names, list | tuple) else []
