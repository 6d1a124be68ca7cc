"""What a run of the tests says at its end about the tests that it skipped: one line for each reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any


def lines(reports: Iterable[Any]) -> list[str]:
    """Return a line for each reason, the most frequent first. `reports`: pytest's reports of skipped tests."""
    reasons = Counter(reason(report.longrepr) for report in reports)
    return [f"skipped {count}: {text}" for text, count in reasons.most_common()]


def reason(longrepr: object) -> str:
    """Return why a test was skipped, in one line. `longrepr`: file, line and text; with xdist it can be a list."""
    text = longrepr[2] if isinstance(longrepr, tuple | list) else longrepr
    return " ".join(str(text).removeprefix("Skipped: ").split())
