"""Draw docs/at-work.jpg: six moments of the demo as `replay --video` shows them.

    python -m tools.demo.picture

Run it after a change of models.
"""

from __future__ import annotations

import argparse

import cv2
import numpy as np

from driver_monitor.app.build import Request, build_pipeline, load_models, load_plan, provenance
from driver_monitor.bench.video.draw import FrameDrawer
from driver_monitor.bench.video.words import ShownAlerts
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.demo import CLIP
from driver_monitor.messages.envelope import ReplayStamper, envelope
from driver_monitor.messages.state import signals
from tools import ROOT

MOMENTS_S = (6.0, 10.6, 20.5, 27.0, 33.6, 42.0)
COLUMNS = 3
WIDTH = 480
OUT = ROOT / "docs" / "at-work.jpg"


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    plan = load_plan(Request())
    models = load_models(plan.config)
    pipeline, stamper, origin = build_pipeline(plan, models), ReplayStamper(""), provenance(plan, models.digest)
    due, tiles, active = list(MOMENTS_S), [], ShownAlerts()
    with ClipCamera(CLIP) as camera:
        while due and (frame := camera.read()) is not None:
            step = pipeline.step(frame)
            events = [envelope(event, stamper.stamp(event, None), origin) for event in step.verdict.events]
            banners = active.update(step.verdict.active, events)
            if frame.t >= due[0]:
                due.pop(0)
                drawer, face = FrameDrawer(*frame.image.shape[1::-1]), step.observation.face
                line = signals(frame.sequence, step.state, step.verdict)
                drawn = drawer.draw(frame.image, line, None if face is None else face.points, banners)
                scale = WIDTH / drawn.shape[1]
                tiles.append(cv2.resize(drawn, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    rows = [np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
    OUT.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(OUT), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
