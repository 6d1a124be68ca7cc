"""Measures a landmark model beside its teacher; prints the figures of the model card.

    measure_landmarks.py --model models/landmarks.onnx --cache training/landmarks --data ../shared/data

On clips the net follows the face by its own points, as on the road, and starts again from the teacher's crop only when
its score falls below one half.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from mean_shape import rotation
from mesh_teacher import MESH_OF_POINTS, MeshTeacher, eye_aspect_ratio, points_crop
from numpy.typing import NDArray
from teach_landmarks import HELD_OUT

from driver_monitor.face.head_pose import angles, face_shape, head_pose
from driver_monitor.face.landmarks import Crop, LandmarkNet, face_crop

CLIPS = ("incar_1", "incar_3", "incar_4", "phone_1", "phone_2", "phone_3")
Points = NDArray[np.floating[Any]]


def frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield np.ascontiguousarray(frame.to_ndarray(format="gray"))


def teach_clip(path: Path, teacher: MeshTeacher, cache: Path) -> NDArray[np.float32]:
    """Return the teacher's points (frames, 70, 3), NaN where it sees no face; kept in `cache`."""
    kept = cache / f"clip_{path.stem}.npy"
    if kept.exists():
        return np.asarray(np.load(kept))
    rows, crop = [], None
    for image in frames(path):
        found = teacher.look(image, crop) if crop else None
        if found is None or found[1] < 0.5:
            found = teacher.find(image)
        good = found is not None and found[1] >= 0.5
        points = found[0][list(MESH_OF_POINTS)] if found is not None and good else np.full((70, 3), np.nan)
        crop = points_crop(points[:, :2]) if good else None
        rows.append(points.astype(np.float32))
    np.save(kept, np.stack(rows))
    return np.stack(rows)


def follow(path: Path, net: LandmarkNet, taught: NDArray[np.float32]) -> tuple[Points, Points, Points]:
    """Return the net's points (frames, 70, 2), scores and head angles (frames, 3), NaN where there are none."""
    points, scores, heads = [], [], []
    last: Crop | None = None
    for image, teacher_points in zip(frames(path), taught, strict=True):
        nothing, score = np.full((70, 2), np.nan), 0.0
        crop = last or (face_crop(teacher_points[:, :2]) if np.isfinite(teacher_points).all() else None)
        found, score = net.locate(image, crop) if crop else (nothing, 0.0)
        last = face_crop(found) if score >= 0.5 else None
        head = head_pose(found, (image.shape[1], image.shape[0])) if last else None
        points.append(found if last else nothing)
        scores.append(score)
        heads.append((head.yaw, head.pitch, head.roll) if head else (np.nan,) * 3)
    return np.stack(points), np.array(scores), np.array(heads)


def teacher_head(mesh: NDArray[np.float32]) -> Points:
    """Return yaw, pitch, roll of the teacher's 3-D points (70, 3), by turning the mean face onto them."""
    points, shape = mesh.astype(np.float64) * [1, -1, -1], face_shape()
    head = angles(rotation(shape - shape.mean(axis=0), points - points.mean(axis=0)))
    return np.array([head.yaw, head.pitch, head.roll] if head else [np.nan] * 3)


def nme(points: Points, truth: Points) -> Points:
    """Return the mean error of the 68 points over the distance of the outer eye corners, for each face."""
    distance = np.linalg.norm(truth[:, 36] - truth[:, 45], axis=1)
    return np.asarray(np.linalg.norm(points - truth, axis=2)[:, :68].mean(axis=1) / distance)


def auc(positive: Points, negative: Points) -> float:
    """Return the chance that a positive is larger than a negative."""
    return float((np.sign(positive[:, None] - negative[None]) / 2 + 0.5).mean())


def measure_clips(net: LandmarkNet, teacher: MeshTeacher, data: Path, cache: Path) -> None:
    for name in CLIPS:
        path = next((data / "clips").glob(f"{name}.*"))
        taught = teach_clip(path, teacher, cache)
        points, scores, heads = follow(path, net, taught)
        both = np.isfinite(points[:, 0, 0]) & np.isfinite(taught[:, 0, 0])
        truth = taught[both][:, :, :2]
        ear, ear_truth = eye_aspect_ratio(points[both]).mean(1), eye_aspect_ratio(truth).mean(1)
        other = np.array([teacher_head(mesh) for mesh in taught[both]])
        offset = heads[both] - other
        pose = np.nanmean(np.abs(offset - np.nanmedian(offset, axis=0)), axis=0)
        words = [f"{name}: seen {np.mean(scores >= 0.5):.3f} (teacher {np.isfinite(taught[:, 0, 0]).mean():.3f})"]
        words.append(f"NME {nme(points[both], truth).mean():.4f} EAR r {np.corrcoef(ear, ear_truth)[0, 1]:.3f}")
        words.append(f"bias {np.mean(ear - ear_truth):+.3f} yaw {pose[0]:.1f} pitch {pose[1]:.1f} roll {pose[2]:.1f}")
        closed = closed_frames(data, name, len(taught))[both]
        if np.any(closed == 1):
            shut, open_ = closed == 1, closed == 0
            words.append(
                f"AUC {auc(-ear[shut], -ear[open_]):.4f} (teacher {auc(-ear_truth[shut], -ear_truth[open_]):.4f})"
            )
        print("  ".join(words), flush=True)


def closed_frames(data: Path, name: str, count: int) -> NDArray[np.int8]:
    """Return 1 closed, 0 open, -1 not scored, for each frame; frames beside an edge are not scored."""
    state = np.zeros(count, np.int8)
    events = json.loads((data / "labels" / f"{name}.json").read_text())["events"]
    for event in events:
        if event["type"] in ("eyes_closed", "blink"):
            state[max(0, event["start"] - 1) : event.get("open_again", event["end"]) + 2] = -1
    for event in events:
        if event["type"] == "eyes_closed":
            state[event["start"] + 1 : event["end"]] = 1
    for event in events:
        if event["type"] in (
            "uncertain",
            "face_not_visible",
            "occluded",
            "one_eye_closed",
            "one_eye_squint",
            "partial_blink",
        ):
            state[event["start"] : event["end"] + 1] = -1
    return state


def measure_stills(net: LandmarkNet, teacher: MeshTeacher, data: Path) -> None:
    """Held-out drivers, and the near-infrared stills at full and at a twelfth of their light."""
    for folder in ("incar_stills", "nir"):
        with (data / folder / "labels.csv").open() as file:
            rows = [row for row in csv.DictReader(file) if folder == "nir" or row["person"] in HELD_OUT]
        for gain in (1.0, 1 / 12):
            report_stills(net, teacher, data / folder, rows, gain)


def report_stills(
    net: LandmarkNet, teacher: MeshTeacher, folder: Path, rows: list[dict[str, str]], gain: float
) -> None:
    rng = np.random.default_rng(0)
    points, truths, scores, eyes, strays = [], [], [], [], []
    for row in rows:
        image = cv2.imread(str(folder / row["file"]), cv2.IMREAD_GRAYSCALE)
        seen = teacher.find(image)
        if seen is None or seen[1] < 0.5:
            continue
        truth = seen[0][list(MESH_OF_POINTS), :2]
        crop = face_crop(truth)
        if gain < 1:
            image = np.clip(image * gain + rng.normal(0, 1, image.shape), 0, 255).round().astype(np.uint8)
        turn, by = rng.uniform(0, 2 * np.pi), 0.1 * crop.side
        first, _ = net.locate(image, Crop(crop.cx + by * np.cos(turn), crop.cy + by * np.sin(turn), crop.side * 1.1))
        found, score = net.locate(image, face_crop(first))
        far = rng.uniform(0.6, 1.2) * crop.side
        strays.append(net.locate(image, Crop(crop.cx + far * np.cos(turn), crop.cy + far * np.sin(turn), crop.side))[1])
        points.append(found)
        truths.append(truth)
        scores.append(score)
        eyes.append(row["eyes"])
    p, q, s, e, away = np.stack(points), np.stack(truths), np.array(scores), np.array(eyes), np.array(strays)
    ear, ear_truth = eye_aspect_ratio(p).mean(1), eye_aspect_ratio(q).mean(1)
    shut, open_ = e == "closed", np.isin(e, ["open", "lowered"])
    errors = nme(p, q)
    print(
        f"{folder.name} light {gain:.2f}: {len(p)} of {len(rows)}  "
        f"NME {errors.mean():.4f} (median {np.median(errors):.4f})  "
        f"score >= .5 {np.mean(s >= 0.5):.3f}, strays {np.mean(away >= 0.5):.3f}, AUC {auc(s, away):.4f}  "
        f"EAR r {np.corrcoef(ear, ear_truth)[0, 1]:.3f}  closed AUC {auc(-ear[shut], -ear[open_]):.3f} "
        f"(teacher, full light {auc(-ear_truth[shut], -ear_truth[open_]):.3f}), {shut.sum()} closed",
        flush=True,
    )


def measure_time(net: LandmarkNet, teacher: MeshTeacher) -> None:
    image = np.random.default_rng(0).integers(0, 255, (480, 640), dtype=np.uint8)
    crop = Crop(320, 240, 220)
    for name, look in (("landmarks", net.locate), ("mesh", teacher.look)):
        times = []
        for _ in range(300):
            begin = time.perf_counter()
            look(image, crop)
            times.append(time.perf_counter() - begin)
        middle, best = 1000 * np.median(times), 1000 * np.quantile(times, 0.1)
        print(f"{name}: {middle:.2f} ms a face with its crop, best tenth {best:.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/landmarks.onnx"))
    parser.add_argument("--cache", type=Path, default=Path("training/landmarks"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--anchors", type=Path, default=Path("../shared/anchors"))
    arguments = parser.parse_args()
    net, teacher = LandmarkNet(arguments.model), MeshTeacher(arguments.anchors)
    measure_time(net, teacher)
    measure_stills(net, teacher, arguments.data)
    measure_clips(net, teacher, arguments.data, arguments.cache)


if __name__ == "__main__":
    main()
