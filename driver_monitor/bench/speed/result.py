"""Makes the JSON object of `bench --json` from the measured times. docs/speed.md describes its fields."""

from __future__ import annotations

from typing import Any

import numpy as np

from driver_monitor.bench.speed.nets import BareNet
from driver_monitor.bench.speed.passes import Floats, Subject, Times
from driver_monitor.bench.speed.stopwatch import STAGES, cost_of_change
from driver_monitor.nets.onnx_model import read_model

KIND = "driver-monitor bench"
SCHEMA = 1
MS = 1000.0


def spread(seconds: Floats) -> dict[str, float]:
    """Return mean, percentiles and longest of the milliseconds of frames. `seconds`: (repeats, frames).

    The time of a frame is the median over its repeats: what other programs do hits a frame once, and seldom twice.
    """
    frames = MS * np.median(seconds, 0)
    p50, p90, p99 = np.quantile(frames, (0.5, 0.9, 0.99))
    found = {"mean": frames.mean(), "p50": p50, "p90": p90, "p99": p99, "max": frames.max()}
    return {name: round(float(value), 4) for name, value in found.items()}


def stages(times: Times) -> list[dict[str, Any]]:
    """Return the stages in their order, those that never ran too: `expression` can be switched off."""
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "ms": spread(times.stages[:, :, index, 0]),
            "cpu_ms": round(MS * float(np.median(times.stages[:, :, index, 1].mean(1))), 4),
        }
        for index, name in enumerate(STAGES)
    ]
    total = sum(stage["ms"]["mean"] for stage in found)
    return [{**stage, "share": round(stage["ms"]["mean"] / total, 4)} for stage in found]


def loop(times: Times) -> dict[str, Any]:
    """Return the time of a whole frame, without stopwatches in it."""
    frames = times.plain.shape[1]
    return {"ms": spread(times.plain), "cpu_ms": round(MS * float(np.median(times.plain_cpu.sum(1))) / frames, 4)}


def nets(times: Times) -> dict[str, Any]:
    """Return the time of the bare nets, and the ratio to it: over blocks with a net, each the median of its repeats.

    `ratio` and its bounds are None if no net ran, as in a clip without a picture.
    """
    step, bare = np.median(times.step_cpu(), 0), np.median(times.nets, 0)
    ratios = step[bare > 0] / bare[bare > 0]
    low, middle, high = np.quantile(ratios, (0.1, 0.5, 0.9)) if len(ratios) else (None, None, None)
    rounded = {"ratio": middle, "low": low, "high": high}
    return {
        "cpu_ms": round(MS * float(bare.sum()) / times.plain.shape[1], 4),
        **{name: None if value is None else round(float(value), 3) for name, value in rounded.items()},
    }


def models(times: Times, found: dict[str, BareNet]) -> list[dict[str, Any]]:
    """Return each net: what file it is, in which precision, and how long one run takes."""
    return [_model(times, net) for net in found.values()]


def _model(times: Times, net: BareNet) -> dict[str, Any]:
    runs, twin = times.runs.get(net.name, []), times.runs.get(f"{net.name} twin", [])
    data = len(read_model(net.path))
    frames = times.plain.size
    return {
        "name": net.name,
        "file": net.path.name,
        "sha256": net.model.sha256,
        "kb": round(data / 1000),
        "precision": net.precision,
        "ms": _median_ms(runs),
        "runs": round(len(runs) / frames, 3),
        "twin_ms": _median_ms(twin),
    }


def _median_ms(seconds: list[float]) -> float | None:
    return round(MS * float(np.median(seconds)), 4) if seconds else None


def overhead(times: Times) -> float:
    """Return by which share the stopwatches slow the loop down: their number in a frame times the cost of one."""
    each = float(np.median(times.changes)) / times.plain.shape[1] * cost_of_change()
    return round(MS * each / float(loop(times)["cpu_ms"]), 4)


def result(subject: Subject, times: Times, wanted: float | None) -> dict[str, Any]:
    """Return the part of the object that follows from the times. `wanted`: frames a second; None: those of the clip."""
    facts, whole = times.facts, loop(times)
    rate = None if facts is None or facts.rate is None else round(facts.rate, 4)
    fps = wanted or rate
    possible = MS / whole["ms"]["mean"]
    return {
        "clip": {
            "name": subject.job.clip.name,
            "sha256": subject.sha256,
            "width": times.size[0],
            "height": times.size[1],
            "frame_rate": rate,
            "frame_rate_from": facts and facts.rate_from,
        },
        "frames": times.plain.shape[1],
        "repeats": subject.repeats,
        "models": models(times, subject.nets),
        "stages": stages(times),
        "loop": whole,
        "nets": nets(times),
        "overhead": overhead(times),
        "fps": {"possible": round(possible, 2), "by_cpu": round(MS / whole["cpu_ms"], 2), "wanted": fps},
        "late": None if fps is None else round(float((np.median(times.plain, 0) > 1 / fps).mean()), 4),
        "real_time_factor": None if fps is None else round(possible / fps, 3),
        "core_share": None if fps is None else round(whole["cpu_ms"] * fps / MS, 4),
    }
