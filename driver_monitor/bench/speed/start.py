"""Measures start and memory in processes of their own: this one has imported and loaded everything already."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import driver_monitor
from driver_monitor.bench.speed import start_probe
from driver_monitor.errors import RunError

STEPS = ("imports", "models", "first_frame")


def measure_start(request: dict[str, Any], repeats: int) -> dict[str, Any]:
    """Return `start_s` and `memory` of `bench --json`: medians of `repeats` starts.

    `request`: what `start_probe` takes. Only the first process replays all `frames`, and its peak counts. Raises
    `RunError`.
    """
    found = [_probe({**request, "frames": request["frames"] if index == 0 else 1}) for index in range(repeats)]
    ends = [[one["at"][step] - one["begun"] for step in STEPS] for one in found]
    medians = [median(times) for times in zip(*ends, strict=True)]
    spans = dict(zip(STEPS, _differences(medians), strict=True))
    rss = {name: _median([one["rss_mb"][name] for one in found]) for name in ("start", "imports", "models")}
    nets = [{"name": name, "mb": _median([one["models"][name] for one in found])} for name in found[0]["models"]]
    return {
        "start_s": {**{name: round(span, 3) for name, span in spans.items()}, "total": round(medians[-1], 3)},
        "memory": {"rss_mb": {**rss, "peak": found[0]["rss_mb"]["peak"]}, "models": nets},
    }


def _differences(times: Sequence[float]) -> list[float]:
    return [end - begin for begin, end in zip([0.0, *times], times, strict=False)]


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 1) if known else None


def _probe(request: dict[str, Any]) -> dict[str, Any]:
    # The new process must import this very package, wherever it lies.
    folder = str(Path(driver_monitor.__file__).parents[1])
    path = os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", start_probe.__name__, json.dumps(request)]
    begun = time.monotonic()
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    try:
        return {**json.loads(done.stdout.splitlines()[-1]), "begun": begun}
    except (ValueError, LookupError):
        last = (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1]
        raise RunError(f"{request['clip']}: the start could not be measured: {last}; run bench again") from None
