"""Compare our head pose on labelled clips with the facial transformation matrix of MediaPipe's `face_landmarker.task`.

    python -m tools.head_pose.measure --data ../shared/data [--folder models] [--mode video] [--json out.json]

Ours is the head pose of a replay. Differences: mean absolute, in degrees, by clip and over all frames in which both see
a face. The median difference of each clip is subtracted, because the two have different zero directions.
Looks: frames labelled `look_away` in which the head, the gaze or either points the labelled way (`score_looks`).
MediaPipe runs in a child process (`anchor.py`) in an environment of its own; `--cache` keeps its answers.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.app import build
from driver_monitor.bench.replays.recording import frames_of
from driver_monitor.bench.score.labels import ClipLabels, load_labels
from driver_monitor.bench.score.sightings import score_looks
from driver_monitor.bench.score.track import Track, record_track
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.perception.face.head_pose import angles

Angles = NDArray[np.float64]
BANDS = (0.0, 20.0, 40.0, 60.0, 90.0)
"""Bands of MediaPipe's yaw, degrees from the clip's median. The differences are also given for each band."""


def anchor_angles(clip: Path, python: Path, task: Path, mode: str, cache: Path) -> Angles:
    """Return MediaPipe's yaw, pitch and roll (frames, 3), degrees; NaN where it sees no face."""
    kept = cache / f"{clip.stem}_{mode}.npy"
    if kept.exists():
        return np.asarray(np.load(kept))
    command = [str(python), str(Path(__file__).with_name("anchor.py")), str(task), mode]
    rows = []
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child,
        ClipCamera(clip) as camera,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        for frame in frames_of(camera):
            colour = frame.image if frame.image.ndim == 3 else cv2.cvtColor(frame.image, cv2.COLOR_GRAY2BGR)
            height, width = colour.shape[:2]
            child.stdin.write(f"{width} {height} {round(frame.t * 1000)}\n".encode())
            child.stdin.write(np.ascontiguousarray(colour[:, :, ::-1]).tobytes())
            child.stdin.flush()
            turn = json.loads(child.stdout.readline())
            head = None if turn is None else angles(np.array(turn) / np.linalg.norm(turn, axis=0))
            rows.append((head.yaw, head.pitch, head.roll) if head else (np.nan,) * 3)
        child.stdin.close()
    cache.mkdir(parents=True, exist_ok=True)
    np.save(kept, np.array(rows))
    return np.array(rows)


def differences(ours: Angles, anchor: Angles) -> Angles:
    """Return our yaw and pitch minus MediaPipe's, minus the median (frames, 2); NaN where either is unknown."""
    apart = ours - anchor[:, :2]
    return np.asarray(apart - np.nanmedian(apart, axis=0))


def looks(labels: ClipLabels, seen: Track) -> dict[str, int]:
    """Count the frames of labelled looks, and those in which the head, the gaze or either agrees."""
    nothing = np.full_like(seen.head, np.nan)
    either = score_looks(labels, seen)
    head = score_looks(labels, replace(seen, gaze=nothing))
    gaze = score_looks(labels, replace(seen, head=nothing))
    return {"frames": either.frames, "agreed": either.agreed, "head": head.agreed, "gaze": gaze.agreed}


def mean(values: Angles) -> list[float]:
    return [round(float(value), 2) for value in np.nanmean(np.abs(values), axis=0)] if len(values) else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--task", type=Path, default=Path("../shared/anchors/face_landmarker.task"))
    parser.add_argument("--python", type=Path, default=Path("/opt/mp/bin/python"), help="Python with mediapipe")
    parser.add_argument(
        "--mode",
        choices=["video", "image"],
        default="video",
        help="the mode of MediaPipe",
    )
    parser.add_argument("--folder", type=Path, help="folder of our nets; default: the shipped ones")
    parser.add_argument("--cache", type=Path, default=Path("training/pose"))
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    plan = build.load_plan(build.Request())
    if arguments.folder:
        models = plan.config.models.model_copy(update={"folder": arguments.folder})
        plan = replace(plan, config=plan.config.model_copy(update={"models": models}))
    nets = build.load_models(plan.config)
    clips: dict[str, Any] = {}
    all_apart, all_yaw = [], []
    for path in sorted((arguments.data / "labels").glob("*.json")):
        clip = next((arguments.data / "clips").glob(f"{path.stem}.*"))
        with ClipCamera(clip) as camera:
            seen = record_track(camera, build.build_pipeline(plan, nets))
        anchor = anchor_angles(clip, arguments.python, arguments.task, arguments.mode, arguments.cache)
        apart = differences(seen.head, anchor)
        both = np.isfinite(apart).all(axis=1)
        all_apart.append(apart[both])
        all_yaw.append(np.abs(anchor[both, 0] - np.nanmedian(anchor[:, 0])))
        clips[path.stem] = {
            "frames": len(seen), "face": float(seen.face.mean()), "both": int(both.sum()),
            "yaw_pitch": mean(apart[both]), "looks": looks(load_labels(path), seen),
        }  # fmt: skip
        print(f"{path.stem:14}", json.dumps(clips[path.stem]), flush=True)
    apart, yaw = np.concatenate(all_apart), np.concatenate(all_yaw)
    bands = {
        f"{low:.0f}-{high:.0f}": [int(rows.sum()), *mean(apart[rows])]
        for low, high in itertools.pairwise(BANDS)
        for rows in [(yaw >= low) & (yaw < high)]
    }
    total = {name: sum(clip["looks"][name] for clip in clips.values()) for name in ("frames", "agreed", "head", "gaze")}
    pooled = {"frames": len(apart), "yaw_pitch": mean(apart), "by_yaw": bands, "looks": total}
    print("all", json.dumps(pooled))
    if arguments.json:
        figures = {"mode": arguments.mode, "pooled": pooled, "clips": clips}
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
