"""Compare a landmark model with its teacher. Prints the figures of the model card.

    python -m tools.landmarks.measure --model models/landmarks.onnx --folds ../tmp/folds --data ../shared/data

In-car stills are measured with five more nets, `<folds>/<k>/landmarks.onnx`, each on the persons it has not learned
from (`tools.training.people`). Without `--folds` these stills are left out. Everything else is measured with the
shipped net, which has learned from no clip and no near-infrared still. On clips the net follows the face by its own
points, as in the daemon. It starts again from the teacher's crop only when its score falls below 0.5. Needs the extra
`train`.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from numpy.typing import NDArray

from driver_monitor.bench.score.intervals import bootstrap
from driver_monitor.perception.face.head_pose import angles
from driver_monitor.perception.face.landmarks import (
    IMAGE_SIZE,
    Crop,
    LandmarkNet,
    face_crop,
)
from tools.landmarks.cover_faces import HIDDEN, IN_SIGHT, cover
from tools.landmarks.mean_shape import MEAN_FACE, read, rotation
from tools.landmarks.teach import CROP_STORE, STORE_FACTOR
from tools.training.mesh_teacher import MESH_OF_POINTS, MeshTeacher, eye_aspect_ratio, points_crop
from tools.training.people import folds
from tools.training.pictures import read_grey

CLIPS = ("incar_1", "incar_3", "incar_4", "phone_1", "phone_2", "phone_3")
NOT_SCORED = ("uncertain", "face_not_visible", "occluded", "one_eye_closed", "one_eye_squint", "partial_blink")
Points = NDArray[np.floating[Any]]


def frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield np.ascontiguousarray(frame.to_ndarray(format="gray"))


def teach_clip(path: Path, teacher: MeshTeacher, cache: Path) -> NDArray[np.float32]:
    """Return the teacher's points (frames, 70, 3), NaN where it finds no face. `cache` keeps them."""
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


def follow(path: Path, net: LandmarkNet, taught: NDArray[np.float32]) -> tuple[Points, Points]:
    """Return the net's points (frames, 70, 2), NaN where it has none, and its scores."""
    points, scores = [], []
    last: Crop | None = None
    for image, teacher_points in zip(frames(path), taught, strict=True):
        missing = np.full((70, 2), np.nan)
        crop = last or (face_crop(teacher_points[:, :2]) if np.isfinite(teacher_points).all() else None)
        seen = net.read(image, crop) if crop else None
        last = face_crop(seen.points) if seen and seen.score >= 0.5 else None
        points.append(seen.points if seen and last else missing)
        scores.append(seen.score if seen else 0.0)
    return np.stack(points), np.array(scores)


def teacher_yaw(mesh: NDArray[np.float32]) -> float:
    """Return the yaw of the teacher's 3-D points (70, 3), degrees or NaN, by fitting the mean face to them."""
    points, shape = mesh.astype(np.float64) * [1, -1, -1], read(MEAN_FACE)
    head = angles(rotation(shape - shape.mean(axis=0), points - points.mean(axis=0)))
    return head.yaw if head else np.nan


def nme(points: Points, truth: Points) -> Points:
    """Return for each face the mean error of the 68 points over the distance of the outer eye corners."""
    distance = np.linalg.norm(truth[:, 36] - truth[:, 45], axis=1)
    return np.asarray(np.linalg.norm(points - truth, axis=2)[:, :68].mean(axis=1) / distance)


def auc(positive: Points, negative: Points) -> float:
    """Return the probability that a positive is larger than a negative."""
    return float((np.sign(positive[:, None] - negative[None]) / 2 + 0.5).mean())


def measure_clips(net: LandmarkNet, teacher: MeshTeacher, data: Path, cache: Path) -> None:
    for name in CLIPS:
        path = next((data / "clips").glob(f"{name}.*"))
        taught = teach_clip(path, teacher, cache)
        points, scores = follow(path, net, taught)
        both = np.isfinite(points[:, 0, 0]) & np.isfinite(taught[:, 0, 0])
        truth = taught[both][:, :, :2]
        ear, ear_truth = eye_aspect_ratio(points[both]).mean(1), eye_aspect_ratio(truth).mean(1)
        words = [f"{name}: found {np.mean(scores >= 0.5):.3f} (teacher {np.isfinite(taught[:, 0, 0]).mean():.3f})"]
        words.append(f"NME {nme(points[both], truth).mean():.4f} EAR r {np.corrcoef(ear, ear_truth)[0, 1]:.3f}")
        words.append(f"bias {np.mean(ear - ear_truth):+.3f}")
        closed = closed_frames(data, name, len(taught))[both]
        if np.any(closed == 1):
            shut, open_ = closed == 1, closed == 0
            words.append(
                f"AUC {auc(-ear[shut], -ear[open_]):.4f} (teacher {auc(-ear_truth[shut], -ear_truth[open_]):.4f})"
            )
        print("  ".join(words), flush=True)


def closed_frames(data: Path, name: str, count: int) -> NDArray[np.int8]:
    """Return for each frame 1 closed, 0 open, -1 not scored. Frames next to a change are not scored."""
    state = np.zeros(count, np.int8)
    events = json.loads((data / "labels" / f"{name}.json").read_text())["events"]
    for event in events:
        if event["type"] in ("eyes_closed", "blink"):
            state[max(0, event["start"] - 1) : event.get("open_again", event["end"]) + 2] = -1
    for event in events:
        if event["type"] == "eyes_closed":
            state[event["start"] + 1 : event["end"]] = 1
    for event in events:
        if event["type"] in NOT_SCORED:
            state[event["start"] : event["end"] + 1] = -1
    return state


@dataclass(frozen=True)
class Still:
    """One still: its label, points (70, 2) of net and teacher, and `away`, the score of a crop beside the face."""

    person: str
    eyes: str
    points: Points
    truth: Points
    score: float
    away: float
    hidden: float
    yaw: float


def labelled(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open() as file:
        return list(csv.DictReader(file))


def look_at(
    net: LandmarkNet, teacher: MeshTeacher, folder: Path, row: dict[str, str], gain: float, rng: np.random.Generator
) -> Still | None:
    """Run the net twice, the first time on a crop that is 10 % off. None where the teacher finds no face."""
    image = read_grey(folder / row["file"])
    seen = teacher.find(image)
    if seen is None or seen[1] < 0.5:
        return None
    truth = seen[0][list(MESH_OF_POINTS)]
    crop = face_crop(truth[:, :2])
    if gain < 1:
        image = np.clip(image * gain + rng.normal(0, 1, image.shape), 0, 255).round().astype(np.uint8)
    turn, by = rng.uniform(0, 2 * np.pi), 0.1 * crop.side
    first = net.read(image, Crop(crop.cx + by * np.cos(turn), crop.cy + by * np.sin(turn), crop.side * 1.1))
    found = net.read(image, face_crop(first.points))
    far = rng.uniform(0.6, 1.2) * crop.side
    away = net.read(image, Crop(crop.cx + far * np.cos(turn), crop.cy + far * np.sin(turn), crop.side)).score
    yaw = teacher_yaw(truth.astype(np.float32))
    return Still(
        row["person"], row["eyes"], found.points, truth[:, :2], found.score, away, found.mouth_hidden, yaw
    )  # fmt: skip


def measure_incar(nets: dict[int, LandmarkNet], teacher: MeshTeacher, data: Path) -> None:
    """Measure people that the nets have not learned from, by the state of the eyes and by the yaw."""
    folder, rng = data / "incar_stills", np.random.default_rng(0)
    place = folds(folder)
    looked = [look_at(nets[place[row["person"]]], teacher, folder, row, 1.0, rng) for row in labelled(folder)]
    seen = [one for one in looked if one]
    print(f"incar_stills, by folds: {len(seen)} of {len(looked)} have a face for the teacher")
    report("all", seen)
    for eyes in ("open", "lowered", "closed", "hidden"):
        report(f"eyes {eyes}", [one for one in seen if one.eyes == eyes])
    for low, high in ((0, 15), (15, 30), (30, 45), (45, 90)):
        report(f"yaw {low} to {high}", [one for one in seen if low <= abs(one.yaw) < high])
    for name, rest in (("open and lowered", ("open", "lowered")), ("lowered", ("lowered",))):
        for whose, ratio in (("ours", ear_of), ("teacher", ear_of_teacher)):
            print(f"  closed against {name}, by EAR: AUC {auc_of_persons(seen, rest, ratio)} {whose}", flush=True)


def report(name: str, seen: list[Still]) -> None:
    """Print the errors of one group. EAR: eye aspect ratio; r: its correlation with the teacher's."""
    if len(seen) < 3:
        return
    errors = nme(np.stack([one.points for one in seen]), np.stack([one.truth for one in seen]))
    ear, ear_truth = (np.array([ratio(one) for one in seen]) for ratio in (ear_of, ear_of_teacher))
    found, away = (np.array([getattr(one, key) for one in seen]) for key in ("score", "away"))
    print(
        f"  {name}: {len(seen)}  NME {errors.mean():.4f} (median {np.median(errors):.4f})  "
        f"EAR r {np.corrcoef(ear, ear_truth)[0, 1]:.3f} off by {np.abs(ear - ear_truth).mean():.3f} "
        f"median {np.median(ear):.3f} (teacher {np.median(ear_truth):.3f})  found {np.mean(found >= 0.5):.3f} "
        f"strays {np.mean(away >= 0.5):.3f}  mouth hidden {np.mean([one.hidden > 0.5 for one in seen]):.3f}",
        flush=True,
    )


def ear_of(still: Still) -> float:
    return float(eye_aspect_ratio(still.points).mean())


def ear_of_teacher(still: Still) -> float:
    return float(eye_aspect_ratio(still.truth).mean())


def auc_of_persons(seen: list[Still], rest: tuple[str, ...], ratio: Callable[[Still], float]) -> str:
    """Return the AUC of closed eyes against `rest` by the eye aspect ratio, with the 95 % interval over persons."""
    persons = sorted({one.person for one in seen})
    number = {person: index for index, person in enumerate(persons)}
    shut = [(-ratio(one), number[one.person]) for one in seen if one.eyes == "closed"]
    open_ = [(-ratio(one), number[one.person]) for one in seen if one.eyes in rest]
    (a, whose_a), (b, whose_b) = (map(np.array, zip(*rows, strict=True)) for rows in (shut, open_))
    above = np.sign(a[:, None] - b[None]) / 2 + 0.5

    def measure(times: NDArray[np.int64]) -> float | None:
        weight = times[whose_a][:, None] * times[whose_b][None]
        return float((above * weight).sum() / weight.sum()) if weight.sum() else None

    figure = bootstrap(len(persons), measure)
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def measure_infrared(net: LandmarkNet, teacher: MeshTeacher, data: Path) -> None:
    """Measure near-infrared stills at full light and at a twelfth. The teacher always gets the full light."""
    for gain in (1.0, 1 / 12):
        rng = np.random.default_rng(0)
        rows = labelled(data / "nir")
        seen = [one for row in rows if (one := look_at(net, teacher, data / "nir", row, gain, rng))]
        print(f"nir, light {gain:.2f}: {len(seen)} of {len(rows)} have a face for the teacher")
        report("all", seen)
        aucs = [f"{auc_of_persons(seen, ('open',), ratio)}" for ratio in (ear_of, ear_of_teacher)]
        print(f"  closed against open, by EAR: AUC {aucs[0]}, teacher {aucs[1]}", flush=True)


def measure_hidden(net: LandmarkNet, cache: Path) -> None:
    """Measure the answer `mouth_hidden` on held-out portraits with drawn covers (`cover_faces`)."""
    table = np.load(cache / "stills.npz")
    rows = np.flatnonzero(table["held_out"])
    view = Crop(CROP_STORE / 2, CROP_STORE / 2, CROP_STORE / STORE_FACTOR)
    crops = np.load(cache / "stills_crops.npy", mmap_mode="r")[rows]
    images = np.stack([view.cut(crop) for crop in crops])
    units = np.stack([view.to_units(points * CROP_STORE - 0.5) for points in table["points"][rows]])
    generator = torch.Generator().manual_seed(0)
    covered, state = cover(torch.from_numpy(images)[:, None].float() / 255, torch.from_numpy(units), generator)
    whole = Crop((IMAGE_SIZE - 1) / 2, (IMAGE_SIZE - 1) / 2, IMAGE_SIZE)
    answers = np.array([net.read((one * 255).astype(np.uint8), whole).mouth_hidden for one in covered[:, 0].numpy()])
    hidden, free = (answers[state.numpy() == value] for value in (HIDDEN, IN_SIGHT))
    print(
        f"mouths, drawn covers: {len(hidden)} hidden, found {np.mean(hidden > 0.5):.3f}; {len(free)} visible, called "
        f"hidden {np.mean(free > 0.5):.3f}; AUC {auc(hidden, free):.4f}",
        flush=True,
    )


def measure_time(net: LandmarkNet, teacher: MeshTeacher) -> None:
    image = np.random.default_rng(0).integers(0, 255, (480, 640), dtype=np.uint8)
    crop = Crop(320, 240, 220)
    for name, look in (("landmarks", net.read), ("mesh", teacher.look)):
        times = []
        for _ in range(300):
            begin = time.perf_counter()
            look(image, crop)
            times.append(time.perf_counter() - begin)
        middle, best = 1000 * np.median(times), 1000 * np.quantile(times, 0.1)
        print(f"{name}: {middle:.2f} ms for a face with its crop, best tenth {best:.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("models/landmarks.onnx"))
    parser.add_argument("--folds", type=Path, help="folder of folders 0 to 4, each with a landmarks.onnx")
    parser.add_argument("--cache", type=Path, default=Path("training/landmarks"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--anchors", type=Path, default=Path("../shared/anchors"))
    arguments = parser.parse_args()
    net, teacher = LandmarkNet(arguments.model), MeshTeacher(arguments.anchors)
    measure_time(net, teacher)
    measure_hidden(net, arguments.cache)
    if arguments.folds:
        nets = {k: LandmarkNet(arguments.folds / str(k) / "landmarks.onnx") for k in range(5)}
        measure_incar(nets, teacher, arguments.data)
    measure_infrared(net, teacher, arguments.data)
    measure_clips(net, teacher, arguments.data, arguments.cache)


if __name__ == "__main__":
    main()
