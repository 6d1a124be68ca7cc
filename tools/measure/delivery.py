"""Measure the delay from the frame that decided to its alert at a subscriber in another process, in real time.

    python -m tools.measure.delivery [CLIP] [--alerts 500]

Runs the daemon on a camera program that shows CLIP again and again at 30 frames a second, and subscribes to `alert/`
over TCP. Alerts are rare, so a profile of its own raises and clears one each time that the head or the lids pass one of
31 angles or openings: about 16 a second. An alert is raised on the way away from a straight look and open eyes: else
more than twenty would be raised in the first frame at once, which no car does. The delay counts from the capture of the
frame, when it began to arrive. The first frames of the daemon count, and are also shown apart. Where the clip begins
again the face jumps, on incar_1 by little: the daemon follows it there without a search. Needs an idle machine. Exit
code 1: of 100 alerts, more than one came later than a frame (1/30 s) and 10 ms.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

from tools.attack.target import PATIENCE_S, started
from tools.cost.daemon import FPS, hear, listening
from tools.cost.figures import Figure, count, show
from tools.cost.frames import add_clip, raw_camera, read_frames

LIMIT_MS = 1e3 / FPS + 10.0
"""The most for 99 of 100 alerts: one frame and 10 ms."""
CUTS = {
    "head.yaw": (0, range(-30, 31, 5)),
    "head.pitch": (0, range(-20, 21, 5)),
    "head.roll": (0, range(-10, 11, 5)),
    "eyes.openness": (1, (0.3, 0.5, 0.7, 0.9)),
}
"""By signal: its value at rest, and the values at which an alert is raised, further from it, and cleared."""
START_S = 3.0
"""Seconds from the first alert that are shown apart: the orientation of the picture is decided in them."""
Delay = tuple[float, float]
"""The capture of the frame that decided an alert, monotonic seconds, and the delay of the alert, milliseconds."""


def profile() -> str:
    """Return a profile, in YAML, whose alerts come often and mean nothing."""
    rules = [
        {
            "id": f"{signal.replace('.', '_')}_{number}",
            "when": {"signal": signal, "below" if cut < rest else "above": cut},
            "clear": {"signal": signal, "at_least" if cut < rest else "at_most": cut},
            "level": "info",
            "message": "passed",
            "clause": "ours, to measure delays",
        }
        for signal, (rest, cuts) in CUTS.items()
        for number, cut in enumerate(cuts)
    ]
    return yaml.safe_dump({"name": "often", "description": "Alerts that come often", "rules": rules})


def delays(source: str, folder: Path, alerts: int) -> list[Delay]:
    """Return the delays of the first alerts. Ends the program if no alert comes for a minute."""
    path, found = folder / "often.yaml", list[Delay]()
    path.write_text(profile())
    with started(source, "--profile", str(path)) as daemon, listening(daemon.address, "alert/", 1) as sockets:
        last = time.monotonic()
        while len(found) < alerts:
            for _, payload in hear(sockets, last + PATIENCE_S):
                last, captured = time.monotonic(), float(json.loads(payload)["t_mono"])
                found.append((captured, 1e3 * (last - captured)))
                break
            else:
                sys.exit(f"no alert came for {PATIENCE_S:g} s; take a clip with a face that moves")
    return found


def figures(found: list[Delay]) -> list[Figure]:
    """Return the figures of all delays."""
    begin = found[0][0] + START_S
    median, p99, most = np.quantile([delay for _, delay in found], (0.5, 0.99, 1.0))
    later = [delay for captured, delay in found if captured >= begin]
    return [
        Figure("delay, ms: median", (float(median),)),
        Figure("delay, ms: 99 of 100", (float(p99),), LIMIT_MS),
        Figure("delay, ms: longest", (float(most),)),
        *([Figure(f"delay, ms: longest after {START_S:g} s", (max(later),))] if later else []),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_clip(parser, 300)
    parser.add_argument("--alerts", type=count, default=500, help="measure so many (default: 500)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    greys = [frame.grey for frame in read_frames(given.clip, given.frames)]
    with tempfile.TemporaryDirectory() as name:
        found = delays(raw_camera(greys, Path(name), FPS), Path(name), given.alerts)
    frames = len({captured for captured, _ in found})
    title = f"{given.clip.name}: {len(found)} alerts, decided by {frames} frames, at {FPS:g} frames a second"
    return show(title, figures(found), given.json)


if __name__ == "__main__":
    sys.exit(main())
