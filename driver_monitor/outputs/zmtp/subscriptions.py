"""The prefixes that one subscriber asked for. Their number is bounded, and no message that was asked for is missed."""

from __future__ import annotations

import re

MAX_ALERT_PREFIXES = 64
"""Most prefixes of single rules (ours): twice the rules of the longest shipped profile, each with and without `/`.
With more, the subscriber gets all alerts; a SUB socket drops the topics that it did not ask for."""

ALERTS = b"alert/"
TOPICS = (b"state/", b"status/", ALERTS, b"vehicle/dms", b"vehicle/vss")
"""The beginnings of all topics."""
_ONE_RULE = re.compile(rb"alert/[a-z][a-z0-9_]{0,39}/?")
"""The beginning of the topic of one rule, whose id has up to 40 of these characters (`rules.profile`)."""


def can_match(prefix: bytes) -> bool:
    """Return whether a topic can begin with `prefix`."""
    return any(topic.startswith(prefix) for topic in TOPICS) or _ONE_RULE.fullmatch(prefix) is not None


class Subscriptions:
    """A set of prefixes. A prefix that no topic begins with is not kept."""

    def __init__(self) -> None:
        self._fixed: set[bytes] = set()
        self._rules: set[bytes] = set()
        self._too_many_rules = False
        self.wanted: tuple[bytes, ...] = ()
        """The subscriber gets the messages whose topic begins with one of these."""

    def add(self, prefix: bytes) -> bool:
        """Add `prefix`. Returns False if this changes nothing."""
        if _ONE_RULE.fullmatch(prefix):
            if self._too_many_rules or prefix in self._rules:
                return False
            self._rules.add(prefix)
            self._too_many_rules = len(self._rules) > MAX_ALERT_PREFIXES
        elif prefix in self._fixed or not can_match(prefix):
            return False
        else:
            self._fixed.add(prefix)
        self._change()
        return True

    def remove(self, prefix: bytes) -> None:
        """Remove `prefix`. After too many rules it changes nothing for a rule: all alerts still come."""
        if prefix in self._fixed or (prefix in self._rules and not self._too_many_rules):
            self._fixed.discard(prefix)
            self._rules.discard(prefix)
            self._change()

    def _change(self) -> None:
        if self._too_many_rules:
            self._rules.clear()
        self.wanted = (*self._fixed, *self._rules, *([ALERTS] if self._too_many_rules else []))
