"""Judges the loudspeaker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from driver_monitor.doctor.verdicts.finding import Finding, not_checked, ok, trouble
from driver_monitor.doctor.verdicts.program import split
from driver_monitor.doctor.verdicts.running import number, part


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """`device`: `outputs.sound`, None without a loudspeaker. `fault`: why nothing could be played on it.

    `heard`: a chime was played, not only silence.
    """

    device: str | None
    fault: str | None = None
    heard: bool = False


def judge_sound(facts: SoundFacts, status: Mapping[str, Any] | None = None) -> Iterator[Finding]:
    """Yield the fault of the loudspeaker, or "ok" or "not checked". `status`: of a running daemon, which uses it."""
    count = number(part(status or {}, "outputs").get("sound_faults"))
    if facts.device is None:
        yield not_checked("sound", "no loudspeaker is configured (outputs.sound)")
    elif count:
        yield trouble("sound.faults", {"sound_faults": count}, count=round(count), device=facts.device)
    elif facts.fault is not None:
        fault, advice = split(facts.fault, "`aplay -l` lists the devices")
        yield trouble("sound.cannot_play", fault=fault, advice=advice)
    elif status is not None:
        yield ok("sound", f"{facts.device}: the running daemon has played on it without an error", sound_faults=0)
    elif facts.heard:
        yield ok("sound", f"{facts.device}: a chime was played. Did you hear it? If not, check volume and cable")
    else:
        yield ok("sound", f"{facts.device} can be played on; --beep plays a chime")
