"""The portrait as layers: head, body, background, and the 478 points of the face with their depth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from skimage import data

Image = NDArray[np.float32]

SIZE = (640, 480)
"""Width and height of the clip."""
SCALE = 1.8
"""Portrait pixels to clip pixels: the face becomes 165 px wide, as in a cabin at arm's length."""
LEFT = 48
"""First column of the portrait that is kept."""

# fmt: off
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149,
    150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
# fmt: on
"""Mesh points around the face."""
FIRST_FACE_BOX = (238.0, 113.0, 162.0, 204.0)
"""x, y, w, h in pixels of the clip; the mesh refines it."""
NECK = (252, 371)
"""First and last column of the neck."""
HAIR_BOTTOM = 254
"""Above this row the whole person is head; below it only the oval of the face is."""


@dataclass(frozen=True)
class Portrait:
    """The layers, all (480, 640, ...) float32: colours BGR 0..255, mattes 0..1."""

    image: Image
    points: Image
    """(478, 3) pixels; z increases away from the camera."""
    head: Image
    """Matte of hair and face."""
    person: Image
    """Matte of the whole person."""
    body: Image
    """The picture, with the neck extended upwards under the chin."""
    body_matte: Image
    """Matte of neck and suit."""


class Mesh:
    """The face mesh of MediaPipe. Only making and checking the clip needs it."""

    def __init__(self, model: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def points(self, image: NDArray[np.uint8], box: tuple[float, float, float, float]) -> Image:
        """Return (478, 3) points in pixels of the BGR `image`; `box` is the face (x, y, w, h)."""
        x, y, w, h = box
        side = 1.5 * max(w, h)
        left, top = x + w / 2 - side / 2, y + h / 2 - side / 2
        k = 256 / side
        crop = cv2.warpAffine(image, np.array([[k, 0, -left * k], [0, k, -top * k]]), (256, 256))
        rgb = crop[None, :, :, ::-1].astype(np.float32) / 255
        points = self._session.run(None, {"input": rgb})[0].reshape(478, 3) / k
        return np.asarray(points + np.array([left, top, 0], np.float32), np.float32)

    def settle(self, image: NDArray[np.uint8], box: tuple[float, float, float, float]) -> Image:
        """Return the points after the box was fitted to them three times."""
        points = self.points(image, box)
        for _ in range(3):
            points = self.points(image, box_of(points))
        return points


def box_of(points: Image) -> tuple[float, float, float, float]:
    """Return the box (x, y, w, h) around mesh points."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def load(mesh: Mesh) -> Portrait:
    """Cut the portrait into layers."""
    source = np.ascontiguousarray(data.astronaut()[:, :, ::-1])
    to_clip = np.array([[SCALE, 0, -LEFT * SCALE], [0, SCALE, 0]])
    warped = cv2.warpAffine(source, to_clip, SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    image = np.asarray(warped, np.uint8)
    points = mesh.settle(image, FIRST_FACE_BOX)
    person = _person(image)
    head = _head(person, points)
    body, body_matte = _body(image, head, person, points)
    return Portrait(image.astype(np.float32), points, head, person, body, body_matte)


def _person(image: NDArray[np.uint8]) -> Image:
    """Return the matte of the person, by GrabCut from shapes drawn by hand for this picture."""
    probable, sure, no = int(cv2.GC_PR_FGD), int(cv2.GC_FGD), int(cv2.GC_BGD)
    mask = np.full(image.shape[:2], no, np.uint8)
    mask[:, 110:540] = cv2.GC_PR_BGD
    mask[395:, :] = cv2.GC_PR_BGD
    cv2.ellipse(mask, (320, 140), (140, 130), 0, 0, 360, probable, -1)
    cv2.ellipse(mask, (320, 140), (105, 95), 0, 0, 360, sure, -1)
    mask[230:360, 270:370] = sure
    shoulders = [(160, 330), (240, 280), (360, 340), (440, 420), (500, 465), (520, 480), (30, 480), (60, 430)]
    cv2.fillPoly(mask, [np.array([*shoulders, (125, 385)], np.int32)], sure)
    cv2.fillPoly(mask, [np.array([(0, 0), (60, 0), (105, 380), (0, 470)], np.int32)], no)
    cv2.setRNGSeed(1)
    cv2.grabCut(image, mask, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 8, cv2.GC_INIT_WITH_MASK)
    cut = np.isin(mask, (sure, probable)).astype(np.uint8)
    _, parts = cv2.connectedComponents(cv2.morphologyEx(cut, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)))
    one = np.asarray(parts == parts[140, 320], np.uint8)
    person = cv2.erode(one, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    return np.asarray(cv2.GaussianBlur(person.astype(np.float32), (0, 0), 1.2), np.float32)


def _head(person: Image, points: Image) -> Image:
    """Return the matte of hair and face: the whole person above `HAIR_BOTTOM`, the oval of the mesh below."""
    oval = np.zeros(person.shape, np.uint8)
    outline = points[list(OVAL), :2]
    outline = outline + (outline - outline.mean(0)) * 0.015
    cv2.fillPoly(oval, [np.round(outline * 16).astype(np.int32)], 1, lineType=cv2.LINE_8, shift=4)
    above = np.clip((HAIR_BOTTOM - np.arange(person.shape[0], dtype=np.float32)) / 4, 0, 1)[:, None]
    soft_oval = cv2.GaussianBlur(oval.astype(np.float32), (0, 0), 1.2)
    return np.maximum(person * above, np.minimum(soft_oval, person)).astype(np.float32)


def _body(image: NDArray[np.uint8], head: Image, person: Image, points: Image) -> tuple[Image, Image]:
    """Extend the neck upwards under the chin, column by column, so that a turning head uncovers skin."""
    body, matte = image.astype(np.float32).copy(), person.copy()
    covered = cv2.dilate((head > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8))
    top = int(points[4, 1])
    matte[:top] = 0
    for x in range(image.shape[1]):
        rows = np.flatnonzero(covered[:, x])
        if not rows.size:
            continue
        last = int(rows[-1])
        body[top : last + 1, x] = body[last + 1 : last + 4, x].mean(0)
        matte[top : last + 1, x] = float(NECK[0] <= x <= NECK[1])
    inside = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), 1.5)[:, :, None]
    body = body * (1 - inside) + cv2.GaussianBlur(body, (0, 0), 4) * inside
    return body.astype(np.float32), cv2.GaussianBlur(matte, (0, 0), 1.0)
