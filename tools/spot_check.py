"""The spot check of EU 2023/2590 and a lap of attentive driving, on synthetic gaze, through state and rules.

    .venv/bin/python tools/spot_check.py [--fps 20] [--json]

Fourteen places low before the driver at two speeds, looked at with the head alone and with head and eyes together, at
least 15 s of attentive driving between: each must be warned of once, before the regulation calls it missed (4.0 s from
50 km/h, 6.5 s from 20 km/h), and there must be no other alert. Then a
lap with mirrors, instruments, shoulder checks, blinks and talking, under every shipped profile: no alert. What is
tested is the policy: gaze comes without noise, and how well the camera sees it is measured elsewhere.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from driver_monitor.config.profiles import known, load_profile
from driver_monitor.data.alert import AlertEvent
from driver_monitor.data.observation import (
    Box,
    EyesView,
    EyeView,
    FaceView,
    HeadPose,
    Observation,
    VehicleData,
)
from driver_monitor.rules.engine import Engine
from driver_monitor.state.gaze.gaze_tracker import IRIS_REST, IRIS_SHARE
from driver_monitor.state.tracker import StateTracker

PLACES = {
    "lap": (0.0, -48.0), "left knee": (25.0, -50.0), "right knee": (-25.0, -50.0), "left thigh": (15.0, -42.0),
    "right thigh": (-15.0, -42.0), "pedals": (0.0, -58.0), "door pocket": (50.0, -45.0), "seat edge": (-40.0, -52.0),
    "handbrake": (-48.0, -45.0), "cup holder": (-42.0, -40.0), "gear lever": (-38.0, -36.0),
    "telephone at the wheel": (0.0, -32.0), "telephone on the console": (-35.0, -32.0),
    "left of the wheel": (35.0, -33.0),
}  # fmt: skip
"""Yaw (+ left) and pitch (+ up), degrees from straight ahead, all within 55 to the side and more than 30 down,
spread over area 3; the names are ours."""
LIMITS = {60.0: 4.0, 30.0: 6.5}
"""Speed in km/h, and seconds after which a test calls a place missed."""
HEAD_SHARES = (1.0, 0.5)
"""How much of a look the head makes; the irises make the rest."""
BETWEEN_S, LOOK_S = 15.0, 8.0
POINTS = np.zeros((70, 2), np.float32)


@dataclass(frozen=True)
class Part:
    """So many seconds of looking somewhere: yaw and pitch of the gaze, opening of lids and mouth, speed.

    `head`: how much of the angles the head makes, the irises the rest.
    """

    seconds: float
    yaw: float = 0.0
    pitch: float = 0.0
    lids: float = 1.0
    mouth: float = 0.05
    speed: float | None = 60.0
    head: float = 1.0


def observations(parts: list[Part], fps: float) -> Iterator[Observation]:
    """Return what a perfect camera sees of `parts`."""
    ends = np.cumsum([part.seconds for part in parts])
    for k in range(int(ends[-1] * fps)):
        t = k / fps
        part = parts[int(np.searchsorted(ends, t + 1e-9, side="right"))]
        eye = EyeView(part.lids, 0.98 if part.lids < 0.2 else 0.02)
        head = HeadPose(part.head * part.yaw, part.head * part.pitch, 0.0)
        turn = (1 - part.head) / IRIS_SHARE
        eyes = EyesView(eye, eye, turn * part.yaw, IRIS_REST[1] + turn * part.pitch)
        face = FaceView(Box(0, 0, 200, 200), 0.99, POINTS, head, part.mouth)
        yield Observation(t, "ok", "day", face, eyes, vehicle=VehicleData(part.speed))


def alerts(parts: list[Part], profile: str, fps: float) -> list[AlertEvent]:
    state, engine = StateTracker(), Engine(load_profile(profile)[0])
    return [event for seen in observations(parts, fps) for event in engine.update(state.update(seen)).events]


def check(fps: float) -> list[dict[str, Any]]:
    """Return for each place and speed when the warning came, seconds after the look began, and when is too late."""
    rows = []
    for (speed, limit), head in itertools.product(LIMITS.items(), HEAD_SHARES):
        parts = [Part(20.0, speed=speed)]
        for yaw, pitch in PLACES.values():
            parts += [Part(LOOK_S, yaw, pitch, speed=speed, head=head), Part(BETWEEN_S, speed=speed)]
        raised = [event for event in alerts(parts, "eu_addw", fps) if event.phase == "raised"]
        start = 20.0
        for place in PLACES:
            mine = [event.t - start for event in raised if start <= event.t < start + LOOK_S + 0.5]
            other = [event.rule for event in raised if start + LOOK_S + 0.5 <= event.t < start + LOOK_S + BETWEEN_S]
            first = mine[0] if len(mine) == 1 else None
            rows.append({
                "place": place, "speed_kmh": speed, "head": head, "limit_s": limit, "between": other,
                "warned_s": None if first is None else round(first, 2),
                "good": first is not None and first < limit and not other,
            })  # fmt: skip
            start += LOOK_S + BETWEEN_S
    return rows


def lap() -> list[Part]:
    """Return three minutes of attentive driving, at most 1.6 s away at a time."""
    drive = [Part(8.0)]
    for k in range(12):
        drive += [
            Part(0.15, lids=0.0), Part(3.0), Part(0.7, 45.0, -8.0), Part(2.5), Part(0.6, -38.0, 10.0), Part(2.2),
            Part(0.5, 0.0, -21.0), Part(0.15, lids=0.0), Part(2.4, mouth=0.2 + 0.05 * (k % 3)),
            Part(1.6, 75.0 if k % 4 == 0 else -65.0, -5.0) if k % 2 else Part(0.8, -33.0, -26.0), Part(3.5),
        ]  # fmt: skip
    return drive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fps", type=float, default=20.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = check(options.fps)
    for row in rows:
        told = "not once" if row["warned_s"] is None else f"{row['warned_s']:.2f} s"
        where = f"{row['speed_kmh']:4.0f} km/h  head {row['head']:4.0%}  {row['place']:26}"
        good = "good" if row["good"] else f"BAD {row['between']}"
        print(f"{where}  warned {told:>8}, missed from {row['limit_s']:.1f} s  {good}")
    laps = {name: [event.rule for event in alerts(lap(), name, options.fps)] for name in known()}
    for name, raised in laps.items():
        print(f"lap of attentive driving, {name}: {', '.join(raised) or 'no alert'}")
    count = sum(row["good"] for row in rows)
    print(f"{count} of {len(rows)} warned in time and of nothing else")
    if options.json:
        options.json.write_text(json.dumps({"check": rows, "lap": laps}, indent=1))
    sys.exit(0 if count == len(rows) and not any(laps.values()) else 1)


if __name__ == "__main__":
    main()
