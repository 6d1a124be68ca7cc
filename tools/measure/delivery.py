"""Measure the delay from the frame that decided to its alert at a subscriber in another process, in real time.

    python -m tools.measure.delivery [CLIP] [--alerts 500]

Runs the daemon on a camera program that shows CLIP again and again at 30 frames a second, and subscribes to `alert/`
over TCP. Alerts are rare, so a profile of its own raises and clears one each time that the head or the lids pass one of
31 angles or openings: about 16 a second. The delay counts from the capture of the frame, when it began to arrive. Needs
an idle machine. Exit code 1: of 100 alerts, more than one came later than a frame (1/30 s) and 10 ms.
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
from tools.cost.figures import Figure, show
from tools.cost.frames import add_clip, raw_camera, read_frames

LIMIT_MS = 1e3 / FPS + 10.0
"""The most for 99 of 100 alerts: one frame and 10 ms."""
CUTS = {
    "head.yaw": range(-30, 31, 5),
    "head.pitch": range(-20, 21, 5),
    "head.roll": range(-10, 11, 5),
    "eyes.openness": (0.3, 0.5, 0.7, 0.9),
}
"""Values at which an alert is raised and cleared, by signal."""


def profile() -> str:
    """Return a profile, in YAML, whose alerts come often and mean nothing."""
    rules = [
        {
            "id": f"{signal.replace('.', '_')}_{number}",
            "when": {"signal": signal, "above": cut},
            "clear": {"signal": signal, "at_most": cut},
            "level": "info",
            "message": "passed",
            "clause": "ours, to measure delays",
        }
        for signal, cuts in CUTS.items()
        for number, cut in enumerate(cuts)
    ]
    return yaml.safe_dump({"name": "often", "description": "Alerts that come often", "rules": rules})


def delays(source: str, folder: Path, alerts: int) -> tuple[list[float], int]:
    """Return the delays of the first alerts, milliseconds, and the number of frames that decided them.

    Ends the program if no alert comes for a minute.
    """
    path, found, frames = folder / "often.yaml", list[float](), set[float]()
    path.write_text(profile())
    with started(source, "--profile", str(path)) as daemon, listening(daemon.address, "alert/", 1) as sockets:
        last = time.monotonic()
        while len(found) < alerts:
            for _, payload in hear(sockets, last + PATIENCE_S):
                last, captured = time.monotonic(), float(json.loads(payload)["t_mono"])
                found.append(1e3 * (last - captured))
                frames.add(captured)
                break
            else:
                sys.exit(f"no alert came for {PATIENCE_S:g} s; take a clip with a face that moves")
    return found, len(frames)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_clip(parser, 300)
    parser.add_argument("--alerts", type=int, default=500, help="measure so many (default: 500)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    greys = [frame.grey for frame in read_frames(given.clip, given.frames)]
    with tempfile.TemporaryDirectory() as name:
        found, frames = delays(raw_camera(greys, Path(name), FPS), Path(name), given.alerts)
    median, p99, most = np.quantile(found, (0.5, 0.99, 1.0))
    figures = [
        Figure("delay, ms: median", (float(median),)),
        Figure("delay, ms: 99 of 100", (float(p99),), LIMIT_MS),
        Figure("delay, ms: longest", (float(most),)),
    ]
    title = f"{given.clip.name}: {len(found)} alerts, decided by {frames} frames, at {FPS:g} frames a second"
    return show(title, figures, given.json)


if __name__ == "__main__":
    sys.exit(main())
