"""Eye crops for training and measuring the eye net, from the folder of shared data, cached in one file.

Each sample is a `CROP`: an eye rectified as in `driver_monitor.eyes.patch`, but wider, so that training can move,
turn and scale it. Landmarks come from the anchors (YuNet box, then the 478-point mesh).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort

CROP_HEIGHT, CROP_WIDTH, CORNERS = 64, 96, 40.0
OPEN, CLOSED, HIDDEN = 0, 1, 2
SURELY_OPEN, SURELY_CLOSED = 0.25, 0.08  # the mesh's EAR; between them it is no teacher
FROM_68 = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389, 71, 63, 105, 66, 107, 336, 296,
    334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305, 33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380, 61,
    39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87, 468, 473,
)  # fmt: skip
RIGHT_EYE, LEFT_EYE = (36, 37, 38, 39, 40, 41), (45, 44, 43, 42, 47, 46)  # outer corner first


class Mesh:
    """The anchors: the largest face's 70 points (68 iBUG and two irises), or None."""

    def __init__(self, anchors: Path) -> None:
        self._detector = cv2.FaceDetectorYN.create(str(anchors / "yunet_2023mar.onnx"), "", (320, 320), 0.5)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._mesh = ort.InferenceSession(
            str(anchors / "face_mesh_478_256.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def points(self, grey: np.ndarray) -> np.ndarray | None:
        """Return (70, 2) pixels of `grey`."""
        box = self._box(grey)
        if box is None:
            return None
        x, y, w, h = box
        side = max(w, h) * 1.5  # the face box and a quarter more on each side
        middle = np.array([x + w / 2, y + h / 2])
        scale = 256 / side
        move = np.array([[scale, 0, 128 - middle[0] * scale], [0, scale, 128 - middle[1] * scale]])
        crop = cv2.warpAffine(grey, move, (256, 256), flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        colour = np.repeat(crop[None, :, :, None], 3, 3).astype(np.float32) / 255
        out = self._mesh.run(None, {"input": colour})[0].reshape(478, 3)[list(FROM_68), :2]
        return ((out - move[:, 2]) / scale).astype(np.float32)

    def _box(self, grey: np.ndarray) -> np.ndarray | None:
        wide = grey.shape[1]
        pad = 0 if wide >= 400 else wide // 4  # tight portraits need room around the face
        scale = 320 / (wide + 2 * pad)
        small = cv2.copyMakeBorder(grey, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=100)
        small = cv2.resize(small, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self._detector.setInputSize(small.shape[1::-1])
        faces = self._detector.detect(cv2.cvtColor(small, cv2.COLOR_GRAY2BGR))[1]
        if faces is None:
            return None
        best = max(faces, key=lambda f: f[2] * f[3])[:4] / scale
        best[:2] -= pad
        return best


def aspect_ratio(points: np.ndarray, eye: tuple[int, ...]) -> float:
    """Return the eye aspect ratio, 2-D (Soukupová and Čech, 2016)."""
    p = points[list(eye)]
    high = np.linalg.norm(p[1] - p[5]) + np.linalg.norm(p[2] - p[4])
    return float(high / (2 * np.linalg.norm(p[0] - p[3]) + 1e-6))


@dataclass
class Sample:
    """One eye. `ear` NaN without a mesh, `iris` (x, y) in the crop or NaN; `person` as in the data set, or its name."""

    source: str
    person: str
    label: str
    crop: np.ndarray
    ear: float = float("nan")
    iris: tuple[float, float] = (float("nan"), float("nan"))
    picture: str = ""


def rectified(grey: np.ndarray, outer: np.ndarray, inner: np.ndarray, mirrored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the wide crop and the (2, 3) transformation from the picture into it."""
    right = (inner - outer) / CORNERS
    down = np.array([right[1], -right[0]]) if mirrored else np.array([-right[1], right[0]])
    origin = (outer + inner) / 2 - right * (CROP_WIDTH - 1) / 2 - down * (CROP_HEIGHT - 1) / 2
    to_grey = np.column_stack([right, down, origin])
    shrink = np.hypot(*right) / 1.2
    if shrink > 1:
        sigma = 0.5 * float(shrink)
        grey = cv2.GaussianBlur(grey, (0, 0), sigma)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(grey, to_grey, (CROP_WIDTH, CROP_HEIGHT), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return crop, cv2.invertAffineTransform(to_grey)


def both_eyes(grey: np.ndarray, points: np.ndarray) -> Iterator[tuple[np.ndarray, float, tuple[float, float]]]:
    """Give crop, EAR and iris of the right and the left eye."""
    for eye, iris, mirrored in ((RIGHT_EYE, 68, False), (LEFT_EYE, 69, True)):
        outer, inner = points[eye[0]].astype(float), points[eye[3]].astype(float)
        if np.hypot(*(inner - outer)) < 2:
            continue
        crop, into = rectified(grey, outer, inner, mirrored)
        x, y = into[:, :2] @ points[iris] + into[:, 2]
        yield crop, aspect_ratio(points, eye), (float(x), float(y))


def stills(folder: Path, mesh: Mesh, source: str) -> Iterator[Sample]:
    """Hand-labelled stills (in-car or near-infrared), both eyes with the label of the picture."""
    with (folder / "labels.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        grey = cv2.imread(str(folder / row["file"]), 0)
        points = mesh.points(grey)
        if points is None:
            continue
        for crop, ear, iris in both_eyes(grey, points):
            yield Sample(source, row["person"], row["eyes"], crop, ear, iris, row["file"])


def taught(folder: Path, mesh: Mesh, rng: np.random.Generator) -> Iterator[Sample]:
    """Portraits whose eyes the mesh is sure of, and patches of them that hold no eye."""
    for path in sorted(folder.glob("*.[jp][pn]g")):
        grey = cv2.imread(str(path), 0)
        points = mesh.points(grey)
        if points is None:
            continue
        for crop, ear, iris in both_eyes(grey, points):
            if ear > SURELY_OPEN or ear < SURELY_CLOSED:
                yield Sample("taught", path.stem, "open" if ear > SURELY_OPEN else "closed", crop, ear, iris, path.name)
        if rng.random() < 0.5:
            yield Sample("taught", path.stem, "hidden", no_eye(grey, points, rng), picture=path.name)


def no_eye(grey: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Forehead, cheek, or anywhere away from the face: what a lost landmark or a covering looks like."""
    width = float(np.linalg.norm(points[36] - points[39]))
    middle = points[[36, 39, 42, 45]].mean(0)
    up = middle - points[8]
    place = rng.random()
    if place < 0.35:
        at = middle + up * rng.uniform(0.25, 0.5) + rng.normal(0, width / 2, 2)
    elif place < 0.7:
        at = points[[41, 46][int(rng.random() < 0.5)]] - up * rng.uniform(0.25, 0.4) + rng.normal(0, width / 4, 2)
    else:
        at = np.array([rng.choice([0.06, 0.94]) * grey.shape[1], rng.uniform(0.1, 0.9) * grey.shape[0]])
    turn = rng.uniform(-0.4, 0.4)
    half = np.array([np.cos(turn), np.sin(turn)]) * width * rng.uniform(0.35, 0.7)
    return rectified(grey, at - half, at + half, False)[0]


def loose(path: Path, source: str, eye_share: float) -> Iterator[Sample]:
    """Ready-made eye crops, the eye filling `eye_share` of their width."""
    z = np.load(path)
    for i, (image, closed) in enumerate(zip(z["images"], z["closed"], strict=True)):
        high, wide = image.shape
        middle = np.array([(wide - 1) / 2, (high - 1) / 2])
        half = np.array([wide * eye_share / 2, 0.0])
        crop = rectified(image, middle - half, middle + half, False)[0]
        yield Sample(source, f"{source}{i}", "closed" if closed else "open", crop, picture=str(i))


def collect(shared: Path, cache: Path) -> dict[str, np.ndarray]:
    """Return all samples as arrays, from the cache where there is one."""
    if cache.exists():
        return dict(np.load(cache))
    mesh, rng, data = Mesh(shared / "anchors"), np.random.default_rng(3), shared / "data"
    samples = [
        *stills(data / "incar_stills", mesh, "incar"),
        *stills(data / "nir", mesh, "nir"),
        *loose(data / "eyes/web_24px.npz", "web", 0.85),
        *loose(data / "eyes/closeup_96px.npz", "closeup", 0.65),
        *taught(data / "portraits", mesh, rng),
        *taught(data / "faces68", mesh, rng),
    ]
    arrays = {
        "crop": np.stack([s.crop for s in samples]),
        "ear": np.array([s.ear for s in samples], np.float32),
        "iris": np.array([s.iris for s in samples], np.float32),
        **{name: np.array([getattr(s, name) for s in samples]) for name in ("source", "person", "label", "picture")},
    }
    np.savez(cache, **arrays)
    return arrays
