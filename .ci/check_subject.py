#!/usr/bin/env python3
"""Commit-msg hook: checks the subject line of a commit. Usage: check_subject.py FILE, the file with the message."""

from __future__ import annotations

import sys
from pathlib import Path

LONGEST = 72
"""Characters of a subject that `git log --oneline` shows in a terminal of 80 columns."""
MADE_BY_GIT = ("Merge ", "Revert ", "fixup! ", "squash! ", "amend! ")
"""Subjects that git writes itself."""


def fault(message: str) -> str | None:
    """Return what is wrong with a commit message, None if nothing is."""
    lines = [line for line in message.splitlines() if not line.startswith("#")]
    subject = lines[0] if lines else ""
    if subject.startswith(MADE_BY_GIT):
        return None
    if not subject.strip():
        return "the first line is empty; write the subject there"
    if len(subject) > LONGEST:
        return f"the subject has {len(subject)} characters; write at most {LONGEST} and put the rest into the body"
    if len(lines) > 1 and lines[1].strip():
        return "the second line is not empty; leave one empty line between subject and body"
    return None


if __name__ == "__main__":
    found = fault(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if found:
        sys.exit(f"commit message: {found}")
