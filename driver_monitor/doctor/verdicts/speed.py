"""Judges how long the nets and the whole loop take on this computer, against the time between two frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from driver_monitor.doctor.verdicts.finding import Finding, Value, not_checked, ok, trouble
from driver_monitor.doctor.verdicts.picture import LEAST_FPS
from driver_monitor.doctor.verdicts.program import split
from driver_monitor.doctor.verdicts.running import number, part

FULL = 0.9
"""Share of the frame time from which frames are dropped now and then (ours): some frames take longer than the mean."""


@dataclass(frozen=True, slots=True)
class SpeedFacts:
    """`loop_ms`: time of the pipeline per frame, milliseconds, mean over `frames` frames of the demo. `fps`: the frame
    rate to keep up with. `nets_ms`: time of one run of each net. `fault`: the line of an error instead.
    """

    fps: float
    loop_ms: float = 0.0
    frames: int = 0
    nets_ms: Mapping[str, float] = field(default_factory=dict)
    fault: str | None = None


def judge_speed(facts: SpeedFacts) -> Iterator[Finding]:
    """Yield whether this computer keeps up with the frame rate, and the time of each net."""
    if facts.fault is not None:
        fault, advice = split(facts.fault, "reinstall driver-monitor")
        yield trouble("speed.failed", fault=fault, advice=advice)
        return
    share, possible = facts.loop_ms * facts.fps / 1000.0, 1000.0 / max(facts.loop_ms, 1e-3)
    values: dict[str, Value] = {"loop_ms": round(facts.loop_ms, 2), "share": round(share, 3)}
    values |= {f"{name}_ms": round(ms, 2) for name, ms in facts.nets_ms.items()}
    words = {
        "loop_ms": facts.loop_ms,
        "share": share,
        "fps": facts.fps,
        "possible": possible * FULL,
        "least": LEAST_FPS,
    }
    if possible < LEAST_FPS:
        yield trouble("speed.too_slow", values, **words)
    elif share > FULL:
        yield trouble("speed.slow", values, **words)
    else:
        nets = ", ".join(f"{name} {ms:.1f}" for name, ms in facts.nets_ms.items())
        found = f"{facts.loop_ms:.1f} ms a frame, {share:.0%} of the time at {facts.fps:.3g} a second; ms a net: {nets}"
        yield ok("speed", found, **values)


def judge_speed_of_daemon(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield whether a running daemon keeps up with its camera, from its status."""
    camera, latency = part(status, "camera"), part(status, "latency_ms")
    share, median = number(camera.get("drop_share")), number(latency.get("median"))
    rate = number(camera.get("fps"))
    if camera.get("keeps_up") is False and rate is not None and 0 < rate < LEAST_FPS:
        values = {"fps": rate, "drop_share": share}
        yield trouble("speed.too_slow", values, loop_ms=1000 / rate, possible=rate, least=LEAST_FPS)
    elif camera.get("keeps_up") is False:
        yield trouble("speed.drops", {"drop_share": share}, share=share or 0.0)
    elif median is None:
        yield not_checked("speed", "the running daemon has no frame yet")
    else:
        found = f"the daemon keeps up; {median:.0f} ms from a picture to its answer"
        yield ok("speed", found, latency_ms=median, drop_share=share)
