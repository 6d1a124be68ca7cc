"""How the face of the demo clip moves: lids, jaw and the turn of the head, each a small warp of the portrait."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import griddata
from scipy.spatial import Delaunay

from tools.demo.portrait import OVAL, SIZE, Image, Portrait

RIGHT_EYE = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133))
LEFT_EYE = ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263))
INNER_LIP = ((78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308), (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308))
LIPS = (
    INNER_LIP,
    ((62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292), (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292)),
    ((76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306), (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306)),
    ((61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291), (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)),
)
"""Upper and lower lip from corner to corner: four rings, the inner one first."""
NOSE_BASE, CHIN, FOREHEAD, EAR_RIGHT, EAR_LEFT = 2, 152, 10, 234, 454
JAW_DOWN = 0.22
"""Jaw drop of the widest yawn, in face heights."""
CORNER, LOWER_LIP = 0.40, 0.93
"""Shares of the jaw's movement that the corners of the mouth and the lower lip make."""
LASH = np.array([28, 36, 52], np.float32)
"""Colour (BGR) of the lashes in the portrait."""


def _smooth(x: NDArray[np.floating] | float) -> Image:
    x = np.clip(x, 0, 1)
    return np.asarray(x * x * (3 - 2 * x), np.float32)


class Eyelid:
    """One eye that can close: painted skin replaces eye and lashes down to the line of the lid."""

    def __init__(self, portrait: Portrait, contours: tuple[tuple[int, ...], tuple[int, ...]], outer_left: bool) -> None:
        upper, lower = (portrait.points[list(c), :2] for c in contours)
        self._x0, self._x1 = int(upper[0, 0]) - 7, int(upper[-1, 0]) + 8
        x = np.arange(self._x0, self._x1, dtype=np.float32)
        self._upper = np.interp(x, upper[:, 0], upper[:, 1]).astype(np.float32)
        self._lower = np.interp(x, lower[:, 0], lower[:, 1]).astype(np.float32)
        reach = (x - upper[0, 0]) / (upper[-1, 0] - upper[0, 0])
        self._inside = _smooth(np.minimum(reach + 0.12, 1.12 - reach) / 0.14)
        outer = 1 - reach if outer_left else reach
        self._width = np.minimum(_smooth((outer + 0.04) / 0.4), _smooth((1.16 - outer) / 0.14))
        self._lash_reach = (1.2 + 1.6 * np.clip(outer, 0, 1)).astype(np.float32)
        self._y0, self._y1 = int(self._upper.min()) - 16, int(self._lower.max()) + 12
        self._rows = np.arange(self._y0, self._y1, dtype=np.float32)[:, None]
        self._skin = self._paint_skin(portrait.image)

    def _paint_skin(self, image: Image) -> Image:
        """Return skin from above the lashes to below the eye, shaded as a round lid."""
        soft = cv2.GaussianBlur(image, (0, 0), 1.5)
        columns = np.arange(self._x0, self._x1)
        above = soft[np.round(self._upper - 9).astype(int), columns]
        below = soft[np.round(self._lower + 5).astype(int), columns]
        above, below = (cv2.GaussianBlur(row[None], (0, 0), 4)[0] for row in (above, below))
        share = np.clip((self._rows - self._upper + 9) / (self._lower - self._upper + 14), 0, 1)[:, :, None]
        skin = above * (1 - share) + below * share
        height = (self._rows - self._upper) / np.maximum(self._lower - self._upper, 3)
        round_lid = 0.05 * np.exp(-(((height - 0.4) / 0.35) ** 2)) - 0.07 * np.exp(-(((height + 0.35) / 0.16) ** 2))
        grain = np.random.default_rng(5).normal(0, 1.0, skin.shape[:2]).astype(np.float32)
        noise = cv2.GaussianBlur(grain, (0, 0), 0.8)[:, :, None] * 3
        return np.asarray(skin * (1 + round_lid * self._inside)[:, :, None] + noise, np.float32)

    def draw(self, image: Image, closure: float) -> None:
        """Close the eye in `image` by `closure`, 0 (as in the portrait) to 1 (shut)."""
        if closure <= 0:
            return
        shut = self._lower - 0.6 + 0.8 * self._inside
        line = self._upper + closure * (shut - self._upper)
        fade_in = min(closure / 0.25, 1.0)
        patch = image[self._y0 : self._y1, self._x0 : self._x1]
        top = _smooth((self._rows - self._upper + 10) / 4)
        reveal = top * _smooth((line - self._rows + 1.0) / 1.5) * self._inside * fade_in
        patch += (self._skin - patch) * reveal[:, :, None]
        below = _smooth((self._rows - line + 0.5) / 1.5) * _smooth((self._lower + 4 - self._rows) / 2.5)
        patch += (self._skin - patch) * (below * self._inside * _smooth((closure - 0.75) / 0.25))[:, :, None]
        distance = self._rows - line
        lid_edge = np.exp(-((distance / 1.45) ** 2)) * 0.9
        lashes = np.exp(-np.clip(distance, 0, None) / self._lash_reach) * (distance > 0) * 0.45
        patch += (LASH - patch) * (np.maximum(lid_edge, lashes) * self._width * fade_in)[:, :, None]


class Jaw:
    """The mouth: it can relax from the portrait's smile, and the jaw can drop for a yawn."""

    def __init__(self, portrait: Portrait) -> None:
        points = portrait.points[:468, :2]
        self._face_height = float(points[CHIN, 1] - points[FOREHEAD, 1])
        self._centre = float(points[list(INNER_LIP[0]), 0].mean())
        self._half = float(points[308, 0] - points[78, 0]) / 2
        hull = np.array(OVAL)
        ring = points.mean(0) + (points - points.mean(0)) * 1.22
        frame = np.array([(x, y) for x in (0, 160, 320, 480, 639) for y in (0, 120, 240, 360, 479)], np.float32)
        frame = frame[(abs(frame - points.mean(0)) > 150).any(1)]
        self._points = np.concatenate([points, ring[hull], frame]).astype(np.float32)
        self._ring_of = np.concatenate([np.arange(468), hull, np.full(len(frame), -1)])
        self._yawn, self._relaxed = self._yawning(points), self._relaxing(points)
        triangles = Delaunay(self._points).simplices
        mouth = points[[*INNER_LIP[0], *INNER_LIP[1][-2:0:-1]]]
        centroids = self._points[triangles].mean(1)
        keep = [cv2.pointPolygonTest(mouth, (float(x), float(y)), False) < 0 for x, y in centroids]
        self._triangles = triangles[np.array(keep)]

    def _yawning(self, points: Image) -> Image:
        """Return the shift of each point, pixels, at the widest yawn: oval lips; chin and cheeks follow."""
        full = JAW_DOWN * self._face_height
        top, bottom = (points[list(lip)] for lip in INNER_LIP)
        corner = (top[0, 1] + top[-1, 1]) / 2 + CORNER * full
        lips = np.zeros_like(points)
        for side, lip, middle in ((0, top, top[5, 1] - 3), (1, bottom, bottom[5, 1] + LOWER_LIP * full)):
            across = np.clip((lip[:, 0] - self._centre) / self._half, -1, 1)
            height = corner + np.sqrt(1 - across**2) * (middle - corner)
            target = np.stack([self._centre + across * self._half * 0.80, height], -1)
            for ring in LIPS:
                lips[list(ring[side])] = target - lip
        nose, chin = points[NOSE_BASE, 1], points[CHIN, 1]
        skin = np.zeros_like(points)
        skin[:, 1] = _smooth((points[:, 1] - nose + 10) / (chin - nose)) * full
        skin[:, 0] = (self._centre - points[:, 0]) * 0.06 * skin[:, 1] / full
        return self._spread(points, lips, skin)

    def _relaxing(self, points: Image) -> Image:
        """Return the shift of each point, pixels, that closes the smiling lips and lowers and narrows the corners."""
        top, bottom = (points[list(lip)] for lip in INNER_LIP)
        lips = np.zeros_like(points)
        for side, close in ((0, 0.0), (1, 0.92)):
            across = (points[list(INNER_LIP[side]), 0] - self._centre) / self._half
            shift = np.stack([-0.10 * across * self._half, close * (top - bottom)[:, 1] + 4.0 * across**2], -1)
            for ring in LIPS:
                lips[list(ring[side])] = shift
        return self._spread(points, lips, np.zeros_like(points))

    @staticmethod
    def _spread(points: Image, lips: Image, skin: Image) -> Image:
        """Blend the shift of the lips into that of the skin with the distance. Nothing above the nose moves."""
        rings = sorted({i for ring in LIPS for side in ring for i in side})
        edge = sorted({i for side in LIPS[-1] for i in side})
        distance = np.linalg.norm(points[:, None] - points[None, edge], axis=2)
        near = np.exp(-((distance / 9.0) ** 2)) + 1e-12
        beside = (near[:, :, None] * lips[None, edge]).sum(1) / near.sum(1)[:, None]
        share = np.exp(-((distance.min(1) / 26.0) ** 2))[:, None]
        below_nose = _smooth((points[:, 1] - points[NOSE_BASE, 1] + 8) / 14)[:, None]
        moved = (beside * share + skin * (1 - share)) * below_nose
        moved[rings] = lips[rings]
        return np.asarray(moved, np.float32)

    def moved(self, drop: float, relax: float) -> Image:
        """Return the points with the jaw `drop` face heights lower and the smile relaxed by `relax` (0..1)."""
        shift = self._yawn * (drop / JAW_DOWN) + self._relaxed * relax
        shift = np.concatenate([shift, np.zeros((1, 2), np.float32)])
        return np.asarray(self._points + shift[self._ring_of], np.float32)

    def draw(self, layer: Image, drop: float, relax: float) -> Image:
        """Return the (H, W, 4) premultiplied `layer` with the mouth moved."""
        target = self.moved(drop, relax)
        maps = rasterise(self._points, target, self._triangles)
        warped = cv2.remap(layer, maps[..., 0], maps[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        out = np.asarray(warped, np.float32)
        self._paint_inside(out, layer, target)
        return out

    def _paint_inside(self, out: Image, layer: Image, target: Image) -> None:
        """Fill the open mouth: dark, some tongue at the bottom, the upper teeth of the portrait in their place."""
        outline = target[[*INNER_LIP[0], *INNER_LIP[1][-2:0:-1]]]
        mask = np.zeros(out.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
        wider = cv2.dilate(mask, np.ones((3, 3), np.uint8))
        alpha = cv2.GaussianBlur(wider.astype(np.float32) / 255, (0, 0), 0.9)[:, :, None]
        rows, columns = np.mgrid[: out.shape[0], : out.shape[1]].astype(np.float32)
        top, bottom = (target[list(c)] for c in INNER_LIP)
        upper, lower = (np.interp(columns[0], c[:, 0], c[:, 1]).astype(np.float32) for c in (top, bottom))
        depth = np.clip((rows - upper) / np.maximum(lower - upper, 1), 0, 1)
        inside = np.empty((*out.shape[:2], 4), np.float32)
        tongue = np.exp(-(((columns - self._centre) / (self._half * 0.45)) ** 2)) * _smooth((depth - 0.6) / 0.3)
        inside[..., :3] = np.array([20, 18, 34], np.float32) + tongue[..., None] * np.array([52, 50, 96], np.float32)
        inside[..., 3] = 1
        old_top, old_bottom = (self._points[list(c)] for c in INNER_LIP)
        squeeze = np.interp(columns[0], top[:, 0], old_top[:, 0]).astype(np.float32)
        source_top = np.interp(squeeze, old_top[:, 0], old_top[:, 1]).astype(np.float32)
        source_bottom = np.interp(squeeze, old_bottom[:, 0], old_bottom[:, 1]).astype(np.float32)
        teeth = cv2.remap(
            layer, np.broadcast_to(squeeze, rows.shape).copy(), rows - upper + source_top, cv2.INTER_CUBIC
        )
        show = _smooth((source_bottom - source_top - (rows - upper) - 1.5) / 2.0)[..., None]
        inside[..., :3] += (teeth[..., :3] * 0.82 - inside[..., :3]) * show
        out += (inside - out) * alpha


def rasterise(source: Image, target: Image, triangles: Image) -> Image:
    """Return the map (H, W, 2) from clip pixels to source pixels for a triangulation whose points have moved."""
    width, height = SIZE
    maps = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    for triangle in triangles:
        to, start = target[triangle].astype(np.float64), source[triangle]
        if np.array_equal(to, start):
            continue
        x0, y0 = np.maximum(np.floor(to.min(0)).astype(int), 0)
        x1, y1 = np.minimum(np.ceil(to.max(0)).astype(int) + 1, SIZE)
        edge = np.array([to[1] - to[0], to[2] - to[0]]).T
        if x1 <= x0 or y1 <= y0 or abs(np.linalg.det(edge)) < 1e-6:
            continue
        grid = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), -1) - to[0]
        b = grid @ np.linalg.inv(edge).T
        hit = (b.min(-1) >= -1e-4) & (b.sum(-1) <= 1 + 1e-4)
        where = start[0] + b @ np.array([start[1] - start[0], start[2] - start[0]])
        maps[y0:y1, x0:x1][hit] = where[hit]
    return maps


class Turn:
    """The turn of the head about the vertical axis. Pixels move within their row; nearer ones hide farther ones."""

    def __init__(self, portrait: Portrait) -> None:
        points = portrait.points
        self._axis_x = float((points[EAR_RIGHT, 0] + points[EAR_LEFT, 0]) / 2)
        axis_z = float((points[EAR_RIGHT, 2] + points[EAR_LEFT, 2]) / 2)
        self._near, self._rigid = self._surface(portrait, axis_z)

    def _surface(self, portrait: Portrait, axis_z: float) -> tuple[Image, Image]:
        """Return for each pixel how much nearer than the ears it is (pixels) and how rigidly it turns (0..1).

        Both are smooth up to the outline of the hair.
        """
        height, width = portrait.head.shape
        step = 4
        rows, columns = np.mgrid[0:height:step, 0:width:step].astype(np.float32)
        away = portrait.head[::step, ::step] < 0.3
        away &= rows < portrait.points[CHIN, 1] - 60
        outline = np.stack([columns[away], rows[away]], -1)
        face = portrait.points[:468]
        below = np.array([(x, height + 40.0) for x in range(-40, width + 41, 40)], np.float32)
        where = np.concatenate([face[:, :2], outline, below])
        near = np.concatenate([axis_z - face[:, 2], np.zeros(len(outline)), np.full(len(below), 20.0)])
        rigid = np.concatenate([np.ones(468), np.full(len(outline), 0.15), np.full(len(below), 0.8)])
        full = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2)
        fields = []
        for values, sigma in ((near, 3.0), (rigid, 6.0)):
            field = griddata(where, values, full, "linear", 0.0).reshape(height, width).astype(np.float32)
            fields.append(cv2.GaussianBlur(field, (0, 0), sigma))
        return fields[0], fields[1]

    def draw(self, layer: Image, degrees: float) -> Image:
        """Return the (H, W, 4) premultiplied `layer` turned by `degrees`, + to the right of the picture."""
        if abs(degrees) < 1e-3:
            return layer
        flip = degrees < 0
        angle = np.radians(abs(degrees))
        near, rigid = (f[:, ::-1] if flip else f for f in (self._near, self._rigid))
        axis = layer.shape[1] - 1 - self._axis_x if flip else self._axis_x
        columns = np.arange(layer.shape[1], dtype=np.float32)
        moved = columns + rigid * (columns - axis) * (np.cos(angle) - 1) + near * np.sin(angle)
        front = np.maximum.accumulate(moved, axis=1) + 1e-4 * columns
        map_x = np.stack([np.interp(columns, row, columns) for row in front]).astype(np.float32)
        map_y = np.repeat(np.arange(layer.shape[0], dtype=np.float32)[:, None], layer.shape[1], 1)
        source = np.ascontiguousarray(layer[:, ::-1]) if flip else layer
        grazing = _smooth((np.gradient(moved, axis=1) + 0.1) / 0.7)
        shaded = np.dstack([source[..., :3] * (0.88 + 0.12 * grazing)[..., None], source[..., 3]])
        out = cv2.remap(shaded, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
        return np.ascontiguousarray(out[:, ::-1] if flip else out, np.float32)
