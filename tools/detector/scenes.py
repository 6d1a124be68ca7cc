"""Compose scenes from cached pictures for the training of the detector, with the answers that the net should give."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.perception.face.detectors.net_detector import CELL, even_out
from tools.detector.damage import Grey, hand, hide, photograph, pupils

SMALLEST, LARGEST = 20.0, 290.0
"""Shortest and longest side of a face to learn, pixels of the search picture."""
SURE, SEEN = 0.7, 0.35
"""Below this teacher's score, or with a smaller share of its box in view, a face counts neither as face nor as none."""
CORE, REACH, FADE = 0.10, 0.2, 0.16
"""Distances from the centre, in sizes of the box: cells that are face, cells that give the box, the soft edge."""
BANK, BANK_SIZE = 150, 320
"""How many textures are kept for reuse, and their side, pixels: at least that of the largest scene."""
TARGETS = 10
"""Channels of a target: weights of face, of no face and of the box; cx, cy, w, h; eyes (x, y) and their weight."""
Faces = NDArray[np.float32]
"""(N, 9): cx, cy, w, h, roll, vector between the eyes (x, y) in boxes (NaN: unknown), score, share in view."""


class Library:
    """The cached pictures that may be learned from."""

    def __init__(self, folder: Path, allowed: NDArray[np.bool_]) -> None:
        table = np.load(folder / "pictures.npz")
        self.images = np.load(folder / "pictures.npy", mmap_mode="r")
        self.sizes, self.sets = table["sizes"], table["sets"]
        ends = np.cumsum(table["count"])
        self.faces = [table["faces"][end - n : end] for end, n in zip(ends, table["count"], strict=True)]
        use = allowed & (table["count"] > 0)
        kinds = [
            np.flatnonzero(use & np.isin(self.sets, names))
            for names in (("portraits",), ("faces68",), ("incar",), ("nir",))
        ]
        self.kinds = [k for k in kinds if len(k)]
        shares = [s for s, k in zip((0.45, 0.2, 0.7, 0.25), kinds, strict=True) if len(k)]
        self.shares = np.array(shares) / sum(shares)
        self.folds = table["folds"]
        self.textures: list[tuple[Grey, frozenset[int]]] = []
        self.seen: set[int] = set()
        """Folds of the people drawn since the last `clear`. The nets of these folds may not learn from the scene."""

    def draw(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], Faces, bool]:
        """Return a picture, its faces, and whether it is a whole scene (True) or a portrait."""
        kind = self.kinds[rng.choice(len(self.kinds), p=self.shares)]
        i = int(kind[rng.integers(len(kind))])
        self.seen.add(int(self.folds[i]))
        h, w = self.sizes[i]
        f = self.faces[i]
        eyes = (f[:, 6:8] - f[:, 4:6]) / np.sqrt(f[:, 2:3] * f[:, 3:4])
        roll = np.degrees(np.arctan2(eyes[:, 1], np.abs(eyes[:, 0])))
        roll = np.where(np.isfinite(roll) & (np.abs(roll) < 45), roll, 0)
        faces = np.column_stack(
            [f[:, 0] + f[:, 2] / 2, f[:, 1] + f[:, 3] / 2, f[:, 2:4], roll, eyes, f[:, 8], np.ones(len(f))]
        )
        return np.ascontiguousarray(self.images[i, :h, :w]), faces.astype(np.float32), self.sets[i] in ("incar", "nir")


def texture(library: Library, size: tuple[int, int], rng: np.random.Generator) -> Grey:
    """Return a picture of `size` (width, height) without a face. Most are reused several times, rotated."""
    bank = library.textures
    if len(bank) < BANK or rng.random() < 0.12:
        before, library.seen = library.seen, set()
        bank.append((_new_texture(library, (BANK_SIZE, BANK_SIZE), rng), frozenset(library.seen)))
        library.seen = before
        if len(bank) > BANK:
            bank.pop(int(rng.integers(BANK)))
    chosen, folds = bank[rng.integers(len(bank))]
    library.seen |= folds
    image = np.rot90(chosen, int(rng.integers(4)))
    x, y = rng.integers(0, BANK_SIZE - size[0] + 1), rng.integers(0, BANK_SIZE - size[1] + 1)
    return np.ascontiguousarray(image[y : y + size[1], x : x + size[0]])


def _new_texture(library: Library, size: tuple[int, int], rng: np.random.Generator) -> Grey:
    width, height = size
    kind = rng.random()
    if kind < 0.8:
        image, faces, _ = library.draw(rng)
        for _ in range(12):
            side = rng.uniform(0.1, 0.4) * min(image.shape)
            x, y = rng.uniform(0, image.shape[1] - side), rng.uniform(0, image.shape[0] - side)
            gap_x = np.abs(faces[:, 0] - x - side / 2) - (faces[:, 2] * 1.1 + side) / 2
            gap_y = np.abs(faces[:, 1] - y - side / 2) - (faces[:, 3] * 1.1 + side) / 2
            if np.maximum(gap_x, gap_y).min() > 0:
                s = max(width, height) / side * rng.uniform(0.5, 1)
                m = _matrix((x + side / 2, y + side / 2), (width / 2, height / 2), s, s, rng.uniform(0, 360))
                return np.asarray(_keep_inside(image, m, (x, y, side), size), np.float32)
    if kind < 0.88:
        coarse = rng.uniform(0, 255, (int(rng.integers(2, 12)), int(rng.integers(2, 12)))).astype(np.float32)
        return np.asarray(np.clip(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), 0, 255), np.float32)
    flat = np.full((height, width), rng.uniform(0, 255), np.float32)
    for _ in range(rng.integers(0, 6)):
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        axes = (int(rng.uniform(3, width)), int(rng.uniform(3, height)))
        cv2.ellipse(flat, centre, axes, rng.uniform(0, 360), 0, rng.uniform(90, 360), float(rng.uniform(0, 255)),
                    int(rng.choice([-1, 2, 6, 14])))  # fmt: skip
    return flat


def _keep_inside(
    image: NDArray[np.uint8], m: NDArray[np.float64], square: tuple[float, float, float], size: tuple[int, int]
) -> Grey:
    x, y, side = square
    part = image[int(y) : int(y + side) + 1, int(x) : int(x + side) + 1]
    m = m.copy()
    m[:, 2] += m[:, :2] @ np.array([int(x), int(y)])
    return np.asarray(cv2.warpAffine(part, m, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.float32)


def _matrix(
    source: tuple[float, float], target: tuple[float, float], sx: float, sy: float, roll: float
) -> NDArray[np.float64]:
    c, s = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    turn = np.array([[c * sx, -s * sy], [s * sx, c * sy]])
    return np.column_stack([turn, np.array(target) - turn @ np.array(source)])


def scene(library: Library, size: tuple[int, int], rng: np.random.Generator) -> tuple[NDArray[np.uint8], Faces]:
    """Return a scene of `size` (width, height) and its faces."""
    width, height = size
    canvas = texture(library, size, rng)
    count, placed = int(rng.choice([0, 1, 2, 3], p=[0.08, 0.68, 0.18, 0.06])), np.zeros((0, 9), np.float32)
    for _ in range(count):
        image, faces, whole = library.draw(rng)
        if rng.random() < 0.5:
            image, faces = image[:, ::-1], faces * np.array([-1, 1, 1, 1, -1, 1, -1, 1, 1], np.float32)
            faces[:, 0] += image.shape[1] - 1
        main = faces[0]
        longest = min(LARGEST, 1.15 * min(width, height) if not whole else 0.8 * width)
        tall = math.exp(
            max(rng.uniform(math.log(SMALLEST * 1.1), math.log(longest)) for _ in range(rng.integers(1, 3)))
        )
        if whole and rng.random() < 0.7:
            tall = float(main[3]) * 0.8 * math.exp(rng.uniform(-0.5, 0.5))
        s = tall / float(main[3])
        roll = rng.normal(0, 7) if rng.random() < 0.6 else rng.uniform(-40, 40)
        at = (rng.uniform(0.08, 0.92) * width, rng.uniform(0.08, 0.92) * height)
        # A whole scene can only come first, or it would cover the others. In some, the face is off the centre.
        whole = whole and not len(placed)
        if whole and rng.random() < 0.2:
            at = (rng.uniform(-0.7, 1.7) * width, rng.uniform(-0.3, 1.3) * height)
        sx, sy = s * math.exp(rng.normal(0, 0.05)), s
        m = _matrix((float(main[0]), float(main[1])), at, sx, sy, roll)
        moved = _move(faces, m, roll, sx, sy)
        if len(placed) and (np.hypot(*(placed[:, :2] - at).T) < 1.15 * (placed[:, 3] + tall) / 2).any():
            continue
        image = image if s > 0.7 else _shrunk(image, m, s)
        warped = cv2.warpAffine(
            np.ascontiguousarray(image), m, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        alpha = _window(image.shape, m, size, moved[0], whole, not len(placed), rng)
        canvas += (warped - canvas) * alpha
        visible = [face for k, face in enumerate(moved) if k == 0 or _shown(face, alpha)]
        if rng.random() < (0.12 if whole else 0.07):
            _remove_face(canvas, moved[0], texture(library, size, rng), rng)
            visible = visible[1:]
        elif rng.random() < 0.42:
            hide(canvas, moved[0], rng, texture(library, size, rng))
        elif rng.random() < 0.05:
            pupils(canvas, moved[0], rng)
        if visible:
            placed = np.concatenate([placed, np.stack(visible)])
    if rng.random() < 0.06:
        _stray_hand(canvas, rng)
        placed[:, 7] = 0.6
    return photograph(canvas, rng), _in_view(placed, size)


def _stray_hand(canvas: Grey, rng: np.random.Generator) -> None:
    shape = np.zeros(canvas.shape, np.uint8)
    h, w = canvas.shape
    hand(shape, np.array([rng.uniform(0, w), rng.uniform(0, h), w / 3, w / 3, 0, 0], np.float32), rng)
    level = rng.uniform(60, 220)
    canvas += (level - canvas) * (cv2.GaussianBlur(shape, (0, 0), 1.2).astype(np.float32) / 255)


def _shrunk(image: NDArray[np.uint8], m: NDArray[np.float64], s: float) -> NDArray[np.uint8]:
    """Shrink the picture before warping, or fine lines alias. `m` is adapted in place."""
    small = np.asarray(cv2.resize(image, None, fx=s, fy=s, interpolation=cv2.INTER_AREA), np.uint8)
    fx, fy = small.shape[1] / image.shape[1], small.shape[0] / image.shape[0]
    m[:, 2] += m[:, :2] @ np.array([0.5 / fx - 0.5, 0.5 / fy - 0.5])
    m[:, 0] /= fx
    m[:, 1] /= fy
    return small


def _move(faces: Faces, m: NDArray[np.float64], roll: float, sx: float, sy: float) -> Faces:
    out = faces.copy()
    out[:, :2] = faces[:, :2] @ m[:, :2].T + m[:, 2]
    a = np.radians(roll)
    w, h = faces[:, 2] * sx, faces[:, 3] * sy
    # The teacher's boxes stay upright: a face that lies on its side has width and height exchanged.
    out[:, 2], out[:, 3] = w * np.cos(a) ** 2 + h * np.sin(a) ** 2, h * np.cos(a) ** 2 + w * np.sin(a) ** 2
    out[:, 4] += roll
    c, s = np.cos(a), np.sin(a)
    out[:, 5], out[:, 6] = c * faces[:, 5] - s * faces[:, 6], s * faces[:, 5] + c * faces[:, 6]
    return np.asarray(out, np.float32)


def _window(
    shape: tuple[int, ...],
    m: NDArray[np.float64],
    size: tuple[int, int],
    face: NDArray[np.float32],
    whole: bool,
    first: bool,
    rng: np.random.Generator,
) -> Grey:
    """Return the share (H, W) of each canvas pixel that the picture replaces.

    All of it, the rectangle of the picture, or a soft oval around the head.
    """
    if whole:
        return np.ones((size[1], size[0]), np.float32)
    h, w = shape[:2]
    alpha = np.zeros((size[1], size[0]), np.float32)
    corners = np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]], np.float64) @ m[:, :2].T + m[:, 2]
    cv2.fillPoly(alpha, [np.rint(corners).astype(np.int32)], 1.0)
    if not first or rng.random() < 0.6:
        oval = np.zeros_like(alpha)
        most = 1.0 if first else 0.75
        wide, high = rng.uniform(0.65, most) * face[2], rng.uniform(0.7, most * 1.05) * face[3]
        cv2.ellipse(
            oval,
            (round(float(face[0])), round(float(face[1]))),
            (round(float(wide)), round(float(high))),
            float(face[4]),
            0,
            360,
            1.0,
            -1,
        )
        alpha = np.minimum(alpha, cv2.blur(oval, (2 * int(face[2] * 0.06) + 1,) * 2))
    return alpha


def _shown(face: NDArray[np.float32], alpha: Grey) -> bool:
    x, y = round(float(face[0])), round(float(face[1]))
    return 0 <= x < alpha.shape[1] and 0 <= y < alpha.shape[0] and bool(alpha[y, x] > 0.5)


def _remove_face(canvas: Grey, face: NDArray[np.float32], patch: Grey, rng: np.random.Generator) -> None:
    """Remove the face from a head. The net learns that hair, neck, shoulders or a headrest are no face."""
    oval = np.zeros_like(canvas)
    axes = (round(float(face[2]) * 0.56), round(float(face[3]) * 0.58))
    cv2.ellipse(oval, (round(float(face[0])), round(float(face[1]))), axes, float(face[4]), 0, 360, 1.0, -1)
    level = canvas[oval > 0].mean() if (oval > 0).any() else 0.0
    filling = level + (patch - patch.mean()) * rng.uniform(0, 1) if rng.random() < 0.6 else patch
    canvas += (filling - canvas) * cv2.blur(oval, (3, 3))


def _in_view(faces: Faces, size: tuple[int, int]) -> Faces:
    low = np.maximum(faces[:, :2] - faces[:, 2:4] / 2, 0)
    high = np.minimum(faces[:, :2] + faces[:, 2:4] / 2, np.array(size, np.float32))
    faces[:, 8] = np.clip(high - low, 0, None).prod(axis=1) / np.maximum(faces[:, 2:4].prod(axis=1), 1e-6)
    return faces[faces[:, 8] > 0.08]


def targets(faces: Faces, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the answers that the net should give, (10, H / 8, W / 8)."""
    width, height = size[0] // CELL, size[1] // CELL
    out = np.zeros((TARGETS, height, width), np.float32)
    out[1] = 1
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (x + 0.5) * CELL, (y + 0.5) * CELL
    nearest = np.full((height, width), np.inf, np.float32)
    for cx, cy, w, h, _, ex, ey, score, seen in faces:
        away = np.hypot((x - cx) / w, (y - cy) / h)
        if score < SURE or seen < SEEN or min(w, h) < SMALLEST * 0.7:
            out[1][away < 0.5] = 0
            continue
        least = np.hypot(x - cx, y - cy)
        mid = least == least.min()
        core, near = (away < CORE) | mid, ((away < REACH) | mid) & (away < nearest)
        out[1] *= (1 - np.exp(-(np.maximum(away - CORE, 0) ** 2) / (2 * max(FADE, 6 / h) ** 2))) ** 2
        out[0][core] = np.maximum(out[0][core], 1 / math.sqrt(core.sum()))
        out[2][near] = 1 / math.sqrt(near.sum())
        out[3:7, near] = np.array([cx, cy, w, h], np.float32)[:, None]
        known = np.isfinite(ex) and np.isfinite(ey)
        out[7:10, near] = np.array([ex, ey, 1.0] if known else [0, 0, 0], np.float32)[:, None]
        nearest = np.minimum(nearest, away)
    out[1][out[0] > 0] = 0
    return out


def sample(library: Library, size: tuple[int, int], rng: np.random.Generator) -> tuple[Grey, NDArray[np.float32], int]:
    """Return a picture after `even_out` (H, W), its target, and a bit mask of the folds of the people in it."""
    library.seen.clear()
    image, faces = scene(library, size, rng)
    folds = sum(1 << fold for fold in library.seen if fold >= 0)
    return even_out(image), targets(faces, size), folds
