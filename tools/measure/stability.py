"""Measure the smoothing of the landmarks: the tremble it removes on still faces, and the lag it adds.

    python -m tools.measure.stability --data ../shared/data [--model models/landmarks.onnx] [--json out.json]

Tremble: a still picture (near-infrared stills and frames of the clips) is repeated with new sensor noise and followed
by the net's own points, as the tracker does. Figures: standard deviations over time of the points and of the lid gap,
in distances of the outer eye corners, and of the head's angles, in degrees; raw and smoothed.
Lag: on the labelled clips, the frames by which the smoothed lid gap and yaw are later than the raw ones (peak of the
cross-correlation), and the share of the depth of labelled blinks that is left.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.replays.recording import frames_of
from driver_monitor.bench.score.labels import load_labels
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.config import resources
from driver_monitor.data.observation import HeadPose
from driver_monitor.imaging.frame import Image, to_grey
from driver_monitor.perception.face.detectors.hog import HogDetector
from driver_monitor.perception.face.head_pose import head_pose
from driver_monitor.perception.face.landmarks import (
    Crop,
    LandmarkNet,
    crop_of_box,
    face_crop,
)
from driver_monitor.perception.face.smoothing import FaceSmoother
from tools.training.pictures import read_grey

FPS = 30.0
FRAMES, SETTLED = 60, 20
"""Repetitions of a still, and how many of them are left out at the start."""
NOISE = 4.0
"""Standard deviation of the sensor noise, grey levels."""
FARTHEST_LAG = 5
"""Longest lag that is tried, frames."""
Values = NDArray[np.float64]
OPEN_PAIRS = ((37, 41), (38, 40), (43, 47), (44, 46))


def lid_gap(points: NDArray[np.floating]) -> float:
    """Return the mean distance of the lids over the distance of the outer eye corners."""
    gaps = [np.linalg.norm(points[a] - points[b]) for a, b in OPEN_PAIRS]
    return float(np.mean(gaps) / np.linalg.norm(points[36] - points[45]))


def follow(pictures: Iterator[tuple[float, Image]], net: LandmarkNet) -> Iterator[dict[str, Any] | None]:
    """Yield points and head of each picture, raw and smoothed. None where no face is followed."""
    smoother, crop, detector = FaceSmoother(), None, HogDetector()
    for t, grey in pictures:
        if crop is None:
            crop = first_crop(grey, net, detector)
            smoother.reset()
        seen = net.read(grey, crop) if crop else None
        if seen is None or seen.score < 0.5:
            crop = None
            yield None
            continue
        crop = face_crop(seen.points)
        head = head_pose(seen.turn, seen.box, (grey.shape[0], grey.shape[1]))
        yield {"raw": (seen.points, head), "smoothed": (smoother.points(t, seen.points), smoother.head(t, head))}


def first_crop(grey: Image, net: LandmarkNet, detector: HogDetector) -> Crop | None:
    for box in detector.find(grey)[:1]:
        seen = net.read(grey, crop_of_box(box, detector.kind))
        if seen.score >= 0.5:
            return face_crop(seen.points)
    return None


def repeated(still: Image, seed: int) -> Iterator[tuple[float, Image]]:
    """Yield `still` again and again with new noise, and its time."""
    rng = np.random.default_rng(seed)
    for index in range(FRAMES):
        noisy = still + rng.normal(0, NOISE, still.shape).astype(np.float32)
        yield index / FPS, np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def tremble(still: Image, net: LandmarkNet, seed: int) -> dict[str, Values] | None:
    """Return the standard deviations of points, lid gap, yaw and pitch raw and smoothed."""
    rows = list(follow(repeated(still, seed), net))[SETTLED:]
    if any(row is None for row in rows):
        return None
    found = {}
    for kind in ("raw", "smoothed"):
        points = np.array([row[kind][0] for row in rows if row])
        heads = [row[kind][1] or HeadPose(0, 0, 0) for row in rows if row]
        unit = np.linalg.norm(points[:, 36] - points[:, 45], axis=1).mean()
        spread = float(np.sqrt((points.std(axis=0) ** 2).sum(axis=1)).mean() / unit)
        gap = np.std([lid_gap(p) for p in points])
        found[kind] = np.array([spread, gap, np.std([h.yaw for h in heads]), np.std([h.pitch for h in heads])])
    return found


def lag(before: Values, after: Values) -> float:
    """Return by how many frames (a fraction is possible) `after` (n,) is later than `before` (n,)."""
    a, b = before - before.mean(), after - after.mean()
    shifts = range(-1, FARTHEST_LAG + 1)
    match = [float((a[1:-FARTHEST_LAG] * np.roll(b, -s)[1:-FARTHEST_LAG]).sum()) for s in shifts]
    best = int(np.clip(np.argmax(match), 1, len(match) - 2))
    left, middle, right = match[best - 1 : best + 2]
    bend = left - 2 * middle + right
    return best - 1 + (0.5 * (left - right) / bend if bend < 0 else 0.0)


def clip_lag(clip: Path, labels: Path, net: LandmarkNet) -> dict[str, float]:
    """Return the lags of lids and yaw, the share of the blinks' depth left, and the largest error of yaw (99 %)."""
    with ClipCamera(clip) as camera:
        pictures = ((frame.t, to_grey(frame.image)) for frame in frames_of(camera))
        rows = list(follow(pictures, net))
    number = np.array([i for i, row in enumerate(rows) if row is not None])
    gaps, yaws = ({}, {})
    for kind in ("raw", "smoothed"):
        gaps[kind] = np.array([lid_gap(row[kind][0]) for row in rows if row])
        yaws[kind] = np.array([row[kind][1].yaw if row[kind][1] else 0.0 for row in rows if row])
    open_ = np.median(gaps["raw"])
    depth = []
    for event in load_labels(labels).events:
        if event.type == "blink":
            own = (number >= event.start) & (number <= event.end + 2)
            if own.any() and open_ - gaps["raw"][own].min() > 0.2 * open_:
                depth.append((open_ - gaps["smoothed"][own].min()) / (open_ - gaps["raw"][own].min()))
    return {
        "lids": lag(gaps["raw"], gaps["smoothed"]),
        "yaw": lag(yaws["raw"], yaws["smoothed"]),
        "depth": float(np.mean(depth)) if depth else float("nan"),
        "yaw_off": float(np.quantile(np.abs(yaws["raw"] - yaws["smoothed"]), 0.99)),
    }


def stills(data: Path) -> Iterator[tuple[str, Image]]:
    """Yield every fourth near-infrared still, and frames of the clips."""
    for path in sorted((data / "nir").glob("*.jpg"))[::4]:
        image = read_grey(path)
        yield "nir", np.asarray(cv2.resize(image, (640, 360), interpolation=cv2.INTER_AREA), np.uint8)
    for clip in sorted((data / "clips").iterdir()):
        with ClipCamera(clip) as camera:
            for frame in frames_of(camera):
                if frame.sequence in (2, 60):
                    yield "clips", to_grey(frame.image)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", type=Path, default=resources.path("models/landmarks.onnx"))
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    net = LandmarkNet(arguments.model)
    found: dict[str, list[dict[str, Values]]] = {"nir": [], "clips": []}
    for seed, (source, still) in enumerate(stills(arguments.data)):
        row = tremble(still, net, seed)
        if row is not None:
            found[source].append(row)
    figures: dict[str, Any] = {"noise": NOISE, "tremble": {}, "lag": {}}
    for source, own in found.items():
        for kind in ("raw", "smoothed"):
            points, gap, yaw, pitch = np.mean([row[kind] for row in own], axis=0)
            words = {"stills": len(own), "points": points, "lid_gap": gap, "yaw": yaw, "pitch": pitch}
            figures["tremble"][f"{source} {kind}"] = words
            print(source, kind, {key: round(float(value), 5) for key, value in words.items()}, flush=True)
    for labels in sorted((arguments.data / "labels").glob("*.json")):
        clip = next((arguments.data / "clips").glob(f"{labels.stem}.*"))
        figures["lag"][labels.stem] = words = clip_lag(clip, labels, net)
        print(labels.stem, {key: round(value, 2) for key, value in words.items()}, flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
