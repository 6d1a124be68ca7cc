"""Label the stills with the teacher and cache crops and points for the training of the landmark net.

    python -m tools.landmarks.teach stills --data ../shared/data --anchors ../shared/anchors --out training/landmarks
    python -m tools.landmarks.teach backgrounds ...   squares of in-car stills without a face
    python -m tools.landmarks.teach closed ...        closed eyes copied to other faces; run tools.head_pose.teach first
    python -m tools.landmarks.teach shape ...         writes tools/landmarks/mean_face.csv
    python -m tools.landmarks.teach boxes ...         fits crops to the boxes of detectors

Crops are upright squares of CROP_STORE pixels. Their side is three times that of the box around the points, so that
training can still move, roll and scale the view. All persons are cached with their names; `tools.training.people`
decides which net may learn from whom. No net learns from one in ten persons of the portraits. The cache is no part of
the project.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from driver_monitor.data.observation import Box
from driver_monitor.perception.face.detectors.net_detector import NetDetector
from driver_monitor.perception.face.landmarks import CROP_MARGIN, Crop, face_crop
from tools.landmarks import mean_shape
from tools.landmarks.close_eyes import closed_faces
from tools.training.mesh_teacher import MeshTeacher, eye_aspect_ratio, points70
from tools.training.people import CLIP_PERSONS
from tools.training.pictures import read_grey

CROP_STORE = 256
"""Side of a cached crop, pixels."""
STORE_FACTOR = 3.0 / CROP_MARGIN
"""Side of a cached crop in sides of the net's crop."""


Row = tuple[str, str, str, NDArray[np.float32], float, float]
"""Source, person, file name, points (70, 2) in crop units, score and spread."""


def store_crop(points: NDArray[np.float32]) -> Crop:
    """Return the wide crop that is cached for a face with these points (70, 2)."""
    crop = face_crop(points)
    return Crop(crop.cx, crop.cy, crop.side * STORE_FACTOR, crop.roll)


def is_held_out(source: str, person: str) -> bool:
    """Return whether no net learns from this person: one in ten of the portraits, by the name's checksum."""
    return source == "portrait" and zlib.crc32(person.encode()) % 10 == 0


def stills(data: Path) -> Iterator[tuple[str, str, Path, Box | None]]:
    """Yield source, person, file and fallback box of every still. The box is used where the teacher detects no face."""
    with (data / "incar_stills" / "labels.csv").open() as file:
        for row in csv.DictReader(file):
            box = Box(*(float(row[k]) for k in "xywh"))
            yield "incar", row["person"], data / "incar_stills" / row["file"], box
    with (data / "faces68" / "points68.csv").open() as file:
        for row in csv.DictReader(file):
            xs, ys = ([float(row[f"{k}{i}"]) for i in range(68)] for k in "xy")
            box = Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
            yield "faces68", Path(row["file"]).stem.rsplit("_", 1)[0], data / "faces68" / row["file"], box
    for path in sorted((data / "portraits").glob("*.jpg")):
        yield "portrait", path.stem.rsplit("_", 1)[0].lower(), path, None


def label(data: Path, anchors: Path, out: Path) -> None:
    teacher = MeshTeacher(anchors)
    crops: list[NDArray[np.uint8]] = []
    rows: list[Row] = []
    for done, (source, person, path, fallback) in enumerate(stills(data)):
        image = read_grey(path)
        found = teacher.find_steady(image, teacher.detect(image) or fallback)
        if found is not None and found[1] > 0.5:
            points, score, spread = found
            crop = store_crop(points)
            crops.append(crop.cut(image, CROP_STORE))
            rows.append((source, person, path.name, crop.to_units(points), score, spread))
        if done % 500 == 0:
            print(done, len(rows), flush=True)
    save(out / "stills", crops, rows)


def save(stem: Path, crops: list[NDArray[np.uint8]], rows: list[Row]) -> None:
    """Write the crops and their labels. The crops are a file of their own, for memory mapping."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    source, person, name, points, score, spread = zip(*rows, strict=True)
    points_array = np.stack(points).astype(np.float32)
    np.save(f"{stem}_crops.npy", np.stack(crops))
    np.savez(
        f"{stem}.npz",
        source=source, person=person, name=name, points=points_array, score=score, spread=spread,
        ear=eye_aspect_ratio(points_array), held_out=[is_held_out(s, p) for s, p in zip(source, person, strict=True)],
    )  # fmt: skip
    print(stem, len(rows))


def backgrounds(data: Path, out: Path, count: int = 6000) -> None:
    """Cut squares without a face out of the in-car stills: they overlap the labelled face box by less than 15 %."""
    rng = np.random.default_rng(1)
    with (data / "incar_stills" / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    crops: list[NDArray[np.uint8]] = []
    persons: list[str] = []
    while len(crops) < count:
        row = rows[rng.integers(len(rows))]
        image = read_grey(data / "incar_stills" / row["file"])
        x, y, w, h = (float(row[k]) for k in "xywh")
        for _ in range(6):
            side = float(rng.uniform(60, 360))
            cx, cy = rng.uniform(side / 3, 640 - side / 3), rng.uniform(side / 3, 480 - side / 3)
            over_x = max(0.0, min(cx + side / 2, x + w) - max(cx - side / 2, x))
            over_y = max(0.0, min(cy + side / 2, y + h) - max(cy - side / 2, y))
            if over_x * over_y < 0.15 * min(w * h, side * side):
                crops.append(Crop(cx, cy, side, float(rng.uniform(-30, 30))).cut(image, 128))
                persons.append(row["person"])
    np.save(out / "backgrounds_crops.npy", np.stack(crops))
    np.savez(out / "backgrounds.npz", person=persons)


def close(anchors: Path, out: Path, counts: tuple[int, int] = (1600, 1400)) -> None:
    """Make faces with closed eyes: first from people in no in-car still, then from one in-car person and anybody else.

    No picture mixes two in-car persons. So one person decides which nets may learn from it.
    """
    table, pose = np.load(out / "stills.npz"), np.load(out / "stills_pose.npz")["turn"]
    good = ~table["held_out"] & (table["spread"] < 0.03) & (table["score"] > 0.8) & np.isfinite(pose[:, 0, 0])
    person = np.where(table["source"] == "incar", table["person"], "")
    teacher = MeshTeacher(anchors)
    images: list[NDArray[np.uint8]] = []
    rows: list[tuple[str, NDArray[np.float32], NDArray[np.float32]]] = []
    for kept, count in zip((good & (person == ""), good), counts, strict=True):
        among = np.flatnonzero(kept)
        crops = np.load(out / "stills_crops.npy", mmap_mode="r")[among]
        pairs = in_car_pairs(person[among]) if rows else None
        for image, points, taker, donor in closed_faces(crops, table["points"][among], teacher, count, pairs):
            images.append(image)
            rows.append((person[among[donor]] or person[among[taker]], points, pose[among[taker]]))
        print("closed", len(rows), flush=True)
    persons, points_, turns = zip(*rows, strict=True)
    np.save(out / "closed_crops.npy", np.stack(images))
    np.savez(out / "closed.npz", person=persons, points=np.stack(points_).astype(np.float32), turn=np.stack(turns))


def in_car_pairs(person: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Return which pairs of donor and taker are allowed (N, N): those with exactly one in-car person."""
    inside = person != ""
    one = inside[:, None] ^ inside[None]
    return np.asarray(one | (inside[:, None] & (person[:, None] == person[None])), np.bool_)


def fit_boxes(data: Path, anchors: Path) -> None:
    """Print where the crop lies for the boxes of each detector: right, down, side, in longer sides of the box."""
    import dlib

    hog, teacher = dlib.get_frontal_face_detector(), MeshTeacher(anchors)
    net = NetDetector(Path("models/detector.onnx"))
    found: dict[str, list[tuple[float, float, float]]] = {"net": [], "hog": [], "yunet": []}
    for source, person, path, _ in stills(data):
        if source == "faces68" or is_held_out(source, person) or zlib.crc32(path.name.encode()) % 4:
            continue
        image = read_grey(path)
        yunet_box, hog_boxes, net_boxes = teacher.detect(image), hog(image), net.find(image)
        mesh = teacher.find(image, yunet_box) if yunet_box else None
        if yunet_box is None or mesh is None or len(hog_boxes) != 1 or len(net_boxes) != 1:
            continue
        crop = face_crop(points70(mesh[0]))
        box = hog_boxes[0]
        hog_box = Box(box.left(), box.top(), box.width(), box.height())
        for kind, b in (("net", net_boxes[0]), ("hog", hog_box), ("yunet", yunet_box)):
            size = max(b.w, b.h)
            right, down = (crop.cx - b.x - b.w / 2) / size, (crop.cy - b.y - b.h / 2) / size
            if max(abs(right), abs(down)) < 0.5:
                found[kind].append((right, down, crop.side / size))
    for kind, rows in found.items():
        low, middle, high = np.quantile(rows, [0.1, 0.5, 0.9], axis=0).round(3)
        print(f"{kind}: {len(rows)} boxes, right down side: median {middle}, 10 % {low}, 90 % {high}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["stills", "backgrounds", "closed", "shape", "boxes"], help="what to make")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--anchors", type=Path, default=Path("../shared/anchors"))
    parser.add_argument("--out", type=Path, default=Path("training/landmarks"))
    arguments = parser.parse_args()
    if arguments.what == "stills":
        label(arguments.data, arguments.anchors, arguments.out)
    elif arguments.what == "backgrounds":
        backgrounds(arguments.data, arguments.out)
    elif arguments.what == "closed":
        close(arguments.anchors, arguments.out)
    elif arguments.what == "shape":
        faces = mean_shape.meshes(arguments.data, arguments.anchors, CLIP_PERSONS)
        mean_shape.write(mean_shape.mean_shape(faces), mean_shape.MEAN_FACE)
        print(f"{mean_shape.MEAN_FACE} from {len(faces)} faces")
    elif arguments.what == "boxes":
        fit_boxes(arguments.data, arguments.anchors)


if __name__ == "__main__":
    main()
