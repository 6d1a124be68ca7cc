"""What a path is: runs, or the JSON that `score clips` or `bench` printed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from driver_monitor import PROGRAM
from driver_monitor.bench.files import read_bytes
from driver_monitor.bench.runs.run_folder import NAMES
from driver_monitor.errors import LabelError, RunError, UsageError

SideKind = Literal["runs", "scores", "bench"]
WORDS: dict[SideKind, str] = {
    "runs": "runs",
    "scores": "a result of score clips --json",
    "bench": "a result of bench --json",
}
MAX_BYTES = 200_000_000
"""Largest file that is read: the scores of about 100,000 clips."""
WANTED = "a run, a folder of runs, or the JSON of score clips or bench"


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """One side of a comparison. `values`: the object in the file; empty for runs."""

    path: Path
    kind: SideKind
    values: dict[str, Any]


def open_sides(a: Path, b: Path) -> tuple[ComparedSide, ComparedSide]:
    """Return both sides. Raises `RunError`: neither runs nor such a file; `UsageError`: they are of different kinds."""
    sides = _side(a), _side(b)
    if sides[0].kind != sides[1].kind:
        words = [WORDS[side.kind] for side in sides]
        raise UsageError(f"{a} is {words[0]}, {b} is {words[1]}; give two of one kind")
    return sides


def _side(path: Path) -> ComparedSide:
    if path.is_dir() or path.name in NAMES:
        return ComparedSide(path, "runs", {})
    try:
        values = json.loads(read_bytes(path, MAX_BYTES, WANTED))
    except LabelError as error:
        raise RunError(str(error)) from None
    except (ValueError, RecursionError):
        values = None
    if isinstance(values, dict) and values.get("kind") == f"{PROGRAM} bench":
        return ComparedSide(path, "bench", values)
    if isinstance(values, dict) and isinstance(values.get("clips"), list) and "pooled" in values:
        return ComparedSide(path, "scores", values)
    raise RunError(f"{path}: not {WANTED}; give one of these")
