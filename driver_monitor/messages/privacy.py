"""The privacy filter: no expression of the driver's face leaves this machine while the driver is at work.

EU AI Act, article 5(1)(f): emotions must not be inferred at the workplace, except for safety and medical reasons. With
`workplace: true` in the profile, expressions are read only if `emotion.safety_purpose` names a reason (`app.build`).
Then only local outputs get data about expressions: buzzer, LED and this machine's journal. Other outputs get no label,
no probability and no alert that rests on an expression. Their alert numbers have no gap.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from driver_monitor.data.observation import Observation
from driver_monitor.messages.wire import Message
from driver_monitor.signals.as_json import FIELDS
from driver_monitor.signals.table import ROWS, held_rule, shows_expression

STATUS_FIELDS = ("file", "vehicle", "uptime_s", "t_mono", "camera", "outputs", "latency_ms", "heat_c", "board",
                 "versions", "config_fault", "locked", "ignored", "aim")  # fmt: skip
"""The fields of `status/` and `inspect` that are not in the table of signals and show nothing of an expression."""
HIDDEN_PATHS = frozenset(row.json for row in ROWS if row.json and not row.public)
EMPTIED = dict.fromkeys(name for name, rows in FIELDS.items() if all(row.json in HIDDEN_PATHS for row in rows))
"""The top-level fields without any public row in the table of signals. A filtered state has them as null."""
PUBLIC_FIELDS = frozenset({*FIELDS, *STATUS_FIELDS}.difference(EMPTIED, ("alerts",)))
"""The top-level fields that may leave the machine; `alerts` is filtered by rule. A field in no table stays hidden."""


class PrivacyFilter:
    """Removes data about expressions from copies of messages. The messages given to it are never changed.

    `rules`: ids of the rules that read an expression. None: the driver is not at work, and the filter is not active.
    Then messages pass unchanged, but an alert without a number still stays on this machine.
    """

    def __init__(self, rules: Collection[str] | None = None) -> None:
        self.active, self.rules = rules is not None, frozenset(rules or ())

    def alert(self, alert: Message) -> Message | None:
        """Return `alert`, or None when it must stay on this machine.

        An alert with `seq` None always stays. While the filter is active, an alert of one of the `rules` stays, too.
        So does an alert with an expression in its evidence, or with one of the `rules`: it may come from the rules
        before a reload or a restart.
        """
        if alert.get("seq") is None:
            return None
        evidence = alert.get("evidence") or {}
        named = (*(evidence.get("measured") or {}), *(evidence.get("threshold") or {}))
        private = alert.get("rule") in self.rules or any(map(self._hides, named))
        return None if self.active and private else alert

    def state(self, state: Message) -> Message:
        """Return a message of `state/` or signals.jsonl; if active, without expressions (null) and ids of `rules`."""
        if not self.active:
            return state
        return {**self._public(state), **EMPTIED, "alerts": self._others(state.get("alerts"))}

    def observation(self, seen: Observation) -> Observation:
        """Return the observation for a trace; while the filter is active, its `expression` is None."""
        return replace(seen, expression=None) if self.active else seen

    def status(self, status: Message) -> Message:
        """Return the status; if active, without expressions and `rules`. Its count of alerts never has local ones."""
        if not self.active:
            return status
        count = {"alerts": status["alerts"]} if "alerts" in status else {}
        return {**self._public(status), "active": self._others(status.get("active")), **count}

    def _hides(self, name: str) -> bool:
        """Return whether this name in the evidence is an expression, or the `held_s` of a rule that reads one."""
        return shows_expression(name) or held_rule(name) in self.rules

    @staticmethod
    def _public(message: Message) -> dict[str, Any]:
        """Return the public fields. Members of an object that are not public are left out."""
        public = {name: value for name, value in message.items() if name in PUBLIC_FIELDS}
        for name, value in public.items():
            if isinstance(value, dict):
                public[name] = {key: part for key, part in value.items() if f"{name}.{key}" not in HIDDEN_PATHS}
        return public

    def _others(self, names: object) -> list[str]:
        return [name for name in names if name not in self.rules] if isinstance(names, list | tuple) else []
