"""Collect pictures of eyes for the training of the eye net, and cache them in one file.

Each sample is a `strip`: like the band of `driver_monitor.perception.eyes.patch`, but larger and finer. Training paints
glasses on it and cuts eye and band out of it, with the errors that landmarks have. Landmarks come from the teacher
(YuNet box, then the mesh of 478 points). Loose eye crops get the same form, without anything around the eye.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from driver_monitor.data.observation import Box
from driver_monitor.imaging.crop import cut
from driver_monitor.perception.eyes.patch import (
    BAND_HEIGHT,
    BAND_SHARE,
    BAND_WIDTH,
    band_to_grey,
)
from driver_monitor.perception.face.detectors.net_detector import NetDetector
from driver_monitor.perception.face.landmarks import LandmarkNet
from driver_monitor.perception.face.tracker import FaceTracker
from tools.landmarks.close_eyes import carry
from tools.training.mesh_teacher import MIRROR, MeshTeacher, eye_aspect_ratio, points70
from tools.training.people import FOLDS, folds, spread
from tools.training.pictures import read_grey

HEIGHT, WIDTH, SPAN = 88, 168, 64.0
"""Size of a strip, pixels. `SPAN`: distance of the centres of the eyes in it."""
LOOSE_EYE = 31.0
"""Pixels between the corners of a loose eye in its strip: the same as for a frontal face."""
SURELY_OPEN = 0.25
"""Above this eye aspect ratio of the mesh an eye is labelled open. The mesh never labels an eye as closed, because it
also takes narrow, smiling eyes for closed ones."""
WILD_LABELS = ("closed", "lowered", "narrow", "hidden", "open")
"""The labels of `eyes_wild.csv` that are used. "narrow" is open, with the iris visible. The others are "unsure" and
"one_closed"."""
COMPOSITES = {
    ("incar", "closed"): 1450, ("incar", "lowered"): 1450, ("incar", "open"): 850,
    ("wild", "closed"): 1150, ("wild", "lowered"): 550,
}  # fmt: skip
"""Number of strips with the eyes of one person in the face of another, by source and label of the eyes. Open and
lowered eyes are included, so that the net cannot recognise closed eyes by the seams."""
MADE = {"incar": "made", "wild": "mixed"}
"""The source of composites, by that of their eyes."""
NOBODY = ""


@dataclass
class Sample:
    """One strip.

    `label`: the state of the eyes, from `labels.csv` or `eyes_wild.csv`, from the mesh (source "taught"), or from the
    set of loose eyes.
    `points`: (70, 2) in the strip. `ear`: eye aspect ratio of the right and the left eye, NaN where unknown. `other`:
    the person of the face in a composite (`person` is that of the eyes). `placed`: the points are of our own landmark
    net.
    """

    source: str
    person: str
    label: str
    strip: np.ndarray
    points: np.ndarray
    ear: tuple[float, float] = (np.nan, np.nan)
    eyewear: str = ""
    other: str = NOBODY
    picture: str = ""
    placed: bool = False


def strip_of(grey: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the strip and the points in it, None where the eyes are too close together."""
    band = band_to_grey(points)
    if band is None:
        return None
    scale = BAND_SHARE * BAND_WIDTH / SPAN
    to_grey = band.copy()
    to_grey[:, :2] *= scale
    middle = band @ np.array([(BAND_WIDTH - 1) / 2, (BAND_HEIGHT - 1) / 2, 1.0])
    to_grey[:, 2] = middle - to_grey[:, :2] @ np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    into = cv2.invertAffineTransform(to_grey)
    return cut(grey, to_grey, (WIDTH, HEIGHT)), (points @ into[:, :2].T + into[:, 2]).astype(np.float32)


def stills(folder: Path, teacher: MeshTeacher, source: str) -> Iterator[Sample]:
    """Yield the strips of in-car stills labelled by hand."""
    with (folder / "labels.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        grey = read_grey(folder / row["file"])
        box = Box(*(float(row[k]) for k in "xywh")) if "x" in row else None
        found = teacher.find_steady(grey, None) or teacher.find_steady(grey, box)
        if found is None:
            print(f"no face in {row['file']}")
            continue
        cut = strip_of(grey, found[0])
        if cut is not None:
            right, left = eye_aspect_ratio(found[0]).tolist()
            yield Sample(
                source, row["person"], row["eyes"], *cut, (right, left), row.get("eyewear", ""), picture=row["file"]
            )


@dataclass(frozen=True)
class Listed:
    """The faces of `eyes_wild.csv`: each row by its file, and the person of each name in the names of the files."""

    rows: dict[str, dict[str, str]]
    persons: dict[str, str]


def listed(data: Path) -> Listed:
    """Read `eyes_wild.csv` of the folder `data`."""
    with (data / "eyes_wild.csv").open(newline="") as lines:
        rows = {row["file"]: row for row in csv.DictReader(lines)}
    return Listed(rows, {name_of(Path(file)): row["person"] for file, row in rows.items()})


def name_of(path: Path) -> str:
    """Return what the pictures of one person have in common in their names: all but the number at the end."""
    return path.stem.rpartition("_")[0].lower().replace("-", "_")


def places(data: Path) -> dict[str, int]:
    """Return the fold of each person of the in-car stills and of `eyes_wild.csv`."""
    return {**folds(data / "incar_stills"), **spread(data / "eyes_wild.csv")}


def wild(data: Path, teacher: MeshTeacher) -> Iterator[Sample]:
    """Yield the strips of the web faces whose eyes are labelled by hand."""
    for file, row in listed(data).rows.items():
        found = teacher.find_steady(read_grey(data / file), None) if row["eyes"] in WILD_LABELS else None
        cut = None if found is None else strip_of(read_grey(data / file), found[0])
        if found is not None and cut is not None:
            right, left = eye_aspect_ratio(found[0]).tolist()
            yield Sample("wild", row["person"], row["eyes"], *cut, (right, left), picture=file)


def as_placed(data: Path, nets: Path, place: dict[str, int]) -> Iterator[Sample]:
    """Yield the strips of in-car stills and labelled web faces again, cut where our own nets find the eyes.

    With dark or mirroring glasses our nets make other errors than the teacher. `nets`: folder of the fold nets. Each
    picture goes to nets that have not learned from its person, as on the road.
    """
    with (data / "incar_stills/labels.csv").open(newline="") as lines:
        rows = [{**row, "file": f"incar_stills/{row['file']}", "source": "incar"} for row in csv.DictReader(lines)]
    rows += [{**row, "eyewear": "", "source": "wild"} for row in listed(data).rows.values()]
    own = [
        (NetDetector(nets / str(k) / "detector.onnx"), LandmarkNet(nets / str(k) / "landmarks.onnx"))
        for k in range(FOLDS)
    ]
    for row in rows:
        if row["source"] == "wild" and row["eyes"] not in WILD_LABELS:
            continue
        grey = read_grey(data / row["file"])
        face = FaceTracker(*own[place[row["person"]]], search_hz=10.0).update(grey, 0.0)
        cut = None if face is None else strip_of(grey, face.points)
        if cut is not None:
            yield Sample(
                row["source"],
                row["person"],
                row["eyes"],
                *cut,
                eyewear=row["eyewear"],
                picture=row["file"],
                placed=True,
            )


def taught(data: Path, folder: str, teacher: MeshTeacher) -> Iterator[Sample]:
    """Yield strips labelled by the mesh: open eyes, or "unsure", from which only the eye aspect ratio is learned.

    Faces of `eyes_wild.csv` are left out. A face whose person has other faces there gets that person.
    """
    known = listed(data)
    for path in sorted((data / folder).rglob("*.[jp][pn]g")):
        if str(path.relative_to(data)) in known.rows:
            continue
        grey = read_grey(path)
        found = teacher.find(grey)
        cut = None if found is None or found[1] < 0.8 else strip_of(grey, points70(found[0]))
        if found is None or cut is None:
            continue
        ear = eye_aspect_ratio(points70(found[0]))
        label = "open" if ear.min() > SURELY_OPEN else "unsure"
        person = known.persons.get(name_of(path), NOBODY)
        yield Sample("taught", person, label, *cut, (float(ear[0]), float(ear[1])), picture=path.name)


def loose(path: Path, source: str, eye_share: float) -> Iterator[Sample]:
    """Yield the strips of loose eye crops. The eye fills `eye_share` of their width."""
    z = np.load(path)
    for i, (image, closed) in enumerate(zip(z["images"], z["closed"], strict=True)):
        high, wide = image.shape
        scale = wide * eye_share / LOOSE_EYE
        middle = np.array([(wide - 1) / 2, (high - 1) / 2]) - scale * np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
        strip = cut(image, np.column_stack([np.eye(2) * scale, middle]), (WIDTH, HEIGHT))
        points = np.full((70, 2), np.nan, np.float32)
        for outer, inner in ((36, 39), (45, 42)):
            points[[outer, inner], 0] = (WIDTH - 1) / 2 + np.array([-LOOSE_EYE / 2, LOOSE_EYE / 2])
            points[[outer, inner], 1] = (HEIGHT - 1) / 2
        yield Sample(source, f"{source}{i}", "closed" if closed else "open", strip, points, picture=str(i))


def composites(samples: list[Sample], rng: np.random.Generator) -> Iterator[Sample]:
    """Copy closed, lowered and open eyes of labelled people to other faces with a similar yaw."""
    takers = [s for s in samples if s.label == "open" and s.eyewear != "sunglasses" and s.source in ("incar", "taught")]
    turns = np.array([turn(s.points) for s in takers])
    for (source, label), count in COMPOSITES.items():
        donors = [s for s in samples if s.source == source and s.label == label and s.eyewear != "sunglasses"]
        of_person: dict[str, list[Sample]] = {}
        for donor in donors:
            of_person.setdefault(donor.person, []).append(donor)
        people = sorted(of_person)
        share = np.array([len(of_person[p]) ** 0.5 for p in people])
        for _ in range(count):
            own = of_person[people[rng.choice(len(people), p=share / share.sum())]]
            donor = mirrored(own[rng.integers(len(own))], rng.random() < 0.5)
            like = np.flatnonzero(np.abs(turns - turn(donor.points)) < 0.15)
            if not len(like):
                continue
            taker = takers[rng.choice(like)]
            strip = carry(donor.strip, donor.points, taker.strip, taker.points)
            yield Sample(MADE[source], donor.person, label, strip, taker.points, other=taker.person)


def turn(points: np.ndarray) -> float:
    """Return how far a head is turned: the place of the nose between the outer eye corners, 0 is frontal."""
    return float((points[30, 0] - (points[45, 0] + points[36, 0]) / 2) / max(points[45, 0] - points[36, 0], 2.0))


def mirrored(sample: Sample, really: bool) -> Sample:
    if not really:
        return sample
    points = (sample.points[list(MIRROR)] * [-1, 1] + [WIDTH - 1, 0]).astype(np.float32)
    return Sample(
        sample.source, sample.person, sample.label, np.ascontiguousarray(sample.strip[:, ::-1]), points,
        sample.ear[::-1], sample.eyewear, sample.other, sample.picture, sample.placed,
    )  # fmt: skip


def collect(shared: Path, nets: Path, cache: Path) -> dict[str, np.ndarray]:
    """Return all samples as arrays, from the cache if it exists. `nets`: folder of the fold nets, for `as_placed`."""
    if cache.exists():
        return dict(np.load(cache))
    teacher, data = MeshTeacher(shared / "anchors"), shared / "data"
    samples = [
        *stills(data / "incar_stills", teacher, "incar"),
        *wild(data, teacher),
        *taught(data, "portraits", teacher),
        *taught(data, "faces68", teacher),
    ]
    samples += composites(samples, np.random.default_rng(3))
    samples += [
        *loose(data / "eyes/web_24px.npz", "web", 0.75),
        *loose(data / "eyes/closeup_96px.npz", "closeup", 0.75),
        *as_placed(data, nets, places(data)),
    ]
    arrays: dict[str, Any] = arrays_of(samples)
    np.savez(cache, **arrays)
    return arrays


def arrays_of(samples: list[Sample]) -> dict[str, np.ndarray]:
    """Return the fields of all samples, each as one array."""
    return {
        "strip": np.stack([s.strip for s in samples]),
        "points": np.stack([s.points for s in samples]).astype(np.float32),
        "ear": np.array([s.ear for s in samples], np.float32),
        **{n: np.array([getattr(s, n) for s in samples]) for n in ("source", "person", "label", "eyewear", "other")},
        "picture": np.array([s.picture for s in samples]),
        "placed": np.array([s.placed for s in samples]),
    }


def loose_fold(source: str, count: int) -> np.ndarray:
    """Return a random fold for each crop of a set whose people are unknown, (count,)."""
    return np.random.default_rng([5, len(source)]).integers(0, FOLDS, count)


def scenery(folder: Path, each: int = 2, seed: int = 4) -> np.ndarray:
    """Return pieces (n, 88, 168) of the stills beside the driver, as reflections for lenses."""
    rng, found = np.random.default_rng(seed), []
    with (folder / "labels.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        grey = read_grey(folder / row["file"])
        x, y, w, _ = (int(float(row[k])) for k in "xywh")
        for _ in range(each):
            wide = int(rng.integers(100, 240))
            high = wide * HEIGHT // WIDTH
            left, top = rng.integers(0, grey.shape[1] - wide), rng.integers(0, grey.shape[0] - high)
            if left + wide < x or left > x + w or top + high < y:
                found.append(cv2.resize(grey[top : top + high, left : left + wide], (WIDTH, HEIGHT)))
    return np.stack(found)
