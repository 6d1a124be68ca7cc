"""Defines the answer to one question of an installer, such as "is the camera at a good distance?". Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CheckState = Literal["good", "fair", "bad", "unknown"]
"""How a check came out. "fair": it works, and something could be better. "unknown" is never as good as "good"."""


@dataclass(frozen=True, slots=True)
class Check:
    """One answer. `name`: for programs. `title`: for people. `words`: one or two sentences with what to do."""

    name: str
    title: str
    state: CheckState
    words: str

    @property
    def passed(self) -> bool:
        """Whether the installer need not change anything: the state is "good" or "fair"."""
        return self.state in ("good", "fair")
