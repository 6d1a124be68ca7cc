"""Labels the stills with the teacher and caches crops and points for training; nothing of it enters the project.

    teach_landmarks.py stills --data ../shared/data --anchors ../shared/anchors --out training/landmarks
    teach_landmarks.py backgrounds ...   squares of in-car stills without a face
    teach_landmarks.py closed ...   (after teach_pose.py) closed eyes carried from one face to another, labelled
                              by the teacher again
    teach_landmarks.py shape ...    writes tools/mean_face.csv
    teach_landmarks.py boxes ...    fits detector boxes to crops

Crops are CROP_STORE px squares of three times the points' bounding box, derotated, so that training can still move,
turn and scale the view. All persons are cached, with their names: `people.py` says who may teach which net. Every
tenth portrait person is never trained on.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import mean_shape
import numpy as np
from close_eyes import closed_faces
from mesh_teacher import MeshTeacher, eye_aspect_ratio, points70
from numpy.typing import NDArray
from people import CLIP_PERSONS

from driver_monitor.data.observation import Box
from driver_monitor.perception.face.detectors.net_detector import NetDetector
from driver_monitor.perception.face.landmarks import CROP_MARGIN, Crop, face_crop

CROP_STORE = 256
STORE_FACTOR = 3.0 / CROP_MARGIN


def store_crop(points: NDArray[np.float32]) -> Crop:
    """Return the wide crop that is cached for a face."""
    crop = face_crop(points)
    return Crop(crop.cx, crop.cy, crop.side * STORE_FACTOR, crop.roll)


def is_held_out(source: str, person: str) -> bool:
    """Tell whether a person is kept for testing every net."""
    return source == "portrait" and zlib.crc32(person.encode()) % 10 == 0


def stills(data: Path) -> Iterator[tuple[str, str, Path, Box | None]]:
    """Yield source, person, file and a fallback box of every still that may be trained on."""
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
    crops, rows = [], []
    for done, (source, person, path, fallback) in enumerate(stills(data)):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        found = teacher.find_steady(image, teacher.detect(image) or fallback) if image is not None else None
        if found is not None and found[1] > 0.5:
            points, score, spread = found
            crop = store_crop(points)
            crops.append(crop.cut(image, CROP_STORE))
            rows.append((source, person, path.name, crop.to_units(points), score, spread))
        if done % 500 == 0:
            print(done, len(rows), flush=True)
    save(out / "stills", crops, rows)


def save(
    stem: Path, crops: list[NDArray[np.uint8]], rows: list[tuple[str, str, str, NDArray[np.float32], float, float]]
) -> None:
    """Write crops (memory-mappable) and their labels."""
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
    """Cut what is not a face out of the in-car stills: squares that overlap the labelled face box little."""
    rng = np.random.default_rng(1)
    with (data / "incar_stills" / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    crops, persons = [], []
    while len(crops) < count:
        row = rows[rng.integers(len(rows))]
        image = cv2.imread(str(data / "incar_stills" / row["file"]), cv2.IMREAD_GRAYSCALE)
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
    """Close eyes: first among people who are in no in-car still, then those of one in-car person and anybody else's.

    No picture mixes two in-car persons, so that each has one person that decides which nets it may teach.
    """
    table, pose = np.load(out / "stills.npz"), np.load(out / "stills_pose.npz")["turn"]
    good = ~table["held_out"] & (table["spread"] < 0.03) & (table["score"] > 0.8) & np.isfinite(pose[:, 0, 0])
    person = np.where(table["source"] == "incar", table["person"], "")
    teacher, images, rows = MeshTeacher(anchors), [], []
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
    """Return who may give whom closed eyes (N, N): exactly one in-car person, on one side or on both."""
    inside = person != ""
    one = inside[:, None] ^ inside[None]
    return one | (inside[:, None] & (person[:, None] == person[None]))


def fit_boxes(data: Path, anchors: Path) -> None:
    """Print where the crop lies for each detector's boxes: right, down, side; in units of the box's longer side."""
    import dlib

    hog, teacher = dlib.get_frontal_face_detector(), MeshTeacher(anchors)
    net = NetDetector(Path("models/detector.onnx"))
    found: dict[str, list[tuple[float, float, float]]] = {"net": [], "hog": [], "yunet": []}
    for source, person, path, _ in stills(data):
        if source == "faces68" or is_held_out(source, person) or zlib.crc32(path.name.encode()) % 4:
            continue
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        yunet_box, hog_boxes, net_boxes = teacher.detect(image), hog(image), net.find(image)
        seen = teacher.find(image, yunet_box) if yunet_box else None
        if yunet_box is None or seen is None or len(hog_boxes) != 1 or len(net_boxes) != 1:
            continue
        crop = face_crop(points70(seen[0]))
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
    parser.add_argument("what", choices=["stills", "backgrounds", "closed", "shape", "boxes"])
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
