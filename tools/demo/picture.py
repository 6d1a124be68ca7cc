"""Draw docs/at-work.jpg: six moments of the demo with what the daemon reads from them.

    python -m tools.demo.picture

Run it after a change of models.
"""

from __future__ import annotations

import argparse

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.app.build import (
    Request,
    build_pipeline,
    load_models,
    load_plan,
)
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.demo import CLIP
from tools import ROOT

MOMENTS_S = (6.0, 10.6, 20.5, 27.0, 33.6, 42.0)
COLUMNS = 3
WIDTH = 480
OUT = ROOT / "docs" / "at-work.jpg"
WHITE, GREEN, AMBER, RED = (255, 255, 255), (90, 220, 90), (0, 190, 255), (60, 60, 255)
LEVELS = {None: GREEN, "info": AMBER, "warning": AMBER, "critical": RED}


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    plan = load_plan(Request())
    pipeline = build_pipeline(plan, load_models(plan.config))
    due, tiles = list(MOMENTS_S), []
    with ClipCamera(CLIP) as camera:
        while due and (frame := camera.read()) is not None:
            step = pipeline.step(frame)
            if frame.t >= due[0]:
                due.pop(0)
                tiles.append(_tile(frame.image, step))
    rows = [np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
    OUT.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(OUT), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])


def _tile(image: NDArray[np.uint8], step: FrameResult) -> NDArray[np.uint8]:
    picture = image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    scale = WIDTH / picture.shape[1]
    tile = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    state, verdict = step.state, step.verdict
    colour = LEVELS[verdict.level]
    if state.face is not None:
        for x, y in state.face.points * scale:
            cv2.circle(tile, (round(float(x)), round(float(y))), 2, colour, -1, cv2.LINE_AA)
    eyes = f"eyes {state.eyes.state}" + ("" if state.eyes.openness is None else f" {state.eyes.openness:.2f}")
    texts = [
        (f"{state.t:4.1f} s  {verdict.attention}", WHITE),
        (f"{eyes}  gaze {state.gaze.zone}" + ("  yawning" if state.mouth.yawning else ""), WHITE),
        (" ".join(verdict.active) or "no alert", colour),
    ]
    cv2.rectangle(tile, (0, 0), (WIDTH, 66), (30, 30, 30), -1)
    for row, (text, shade) in enumerate(texts):
        cv2.putText(tile, text, (8, 18 + 20 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.5, shade, 1, cv2.LINE_AA)
    return np.asarray(tile, np.uint8)


if __name__ == "__main__":
    main()
