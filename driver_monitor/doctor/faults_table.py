"""Writes the table of faults for docs/doctor.md: `python -m driver_monitor.doctor.faults_table`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from driver_monitor.doctor.verdicts.faults import BUG, CHECKS, FAULTS, HANGS, Fault


def table() -> str:
    """Return the table of all faults in Markdown. What a message fills in stands in braces."""
    return "\n".join(("| fault | | found | what to do |", "| --- | --- | --- | --- |", *_rows()))


def checks() -> str:
    """Return the table of all checks in Markdown."""
    rows = (f"| `{check}` | {words} |" for check, words in CHECKS.items())
    return "\n".join(("| check | what it looks at |", "| --- | --- |", *rows))


def _rows() -> Iterator[str]:
    for name, fault in FAULTS.items():
        if fault not in (HANGS, BUG):
            yield _row(name, fault)
    yield _row("{check}.hangs", HANGS)
    yield _row("{check}.bug", BUG)


def _row(name: str, fault: Fault) -> str:
    return f"| `{name}` | {fault.state} | {_shown(fault.found)} | {_shown(fault.remedy)} |"


def _shown(text: str) -> str:
    return re.sub(r"{(\w+)[^}]*}", r"{\1}", text).replace("|", "\\|")


if __name__ == "__main__":
    print(checks(), table(), sep="\n\n")
