"""A random person's head without hair: the shape, with eyes and lids in natural proportions.

Coordinates: decimetres, x to the person's left, y up, z out of the face, the middle between the eyeballs at 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Side = Literal["right", "left"]
SIDES: tuple[Side, Side] = ("right", "left")
UPPER = (7755, 7754, 7753, 7752, 7751, 7750, 7749, 7747, 7748, 7765, 7766, 7767, 7772, 7768, 7769)
LOWER = (7755, 7756, 11716, 7757, 7758, 7759, 7760, 7761, 7762, 7763, 11717, 7764, 7771, 7770, 7769)
"""Vertices of the base mesh on the edges of the left eye's lids, from the outer corner to the inner one."""
WIDER = 1.25
"""The base mesh's eyes are 0.36 of the eyes' distance wide; those of the mean face (`mean_face.csv`) 0.48. Eyes are
made this much wider. The rest comes from the details drawn for each person."""
OPEN_GAP = (0.25, 0.37)
"""Range of the lids' distance over the eye's width with relaxed open eyes: narrow to wide eyes, from our stills."""
BALL_SHARE = 0.40
"""Radius of a real eyeball (12 mm) over the width of the eye (30 mm)."""


@dataclass(frozen=True)
class Eye:
    """An eyeball and the lid edges of one eye.

    `radius` is that of the ball which the lids touch. It is larger than a real one, so that the wide eye lies on it.
    `upper`, `lower`: vertices of the edges, from the outer corner to the inner one. `sign`: 1 for the left eye.
    """

    sign: int
    centre: Points
    radius: float
    upper: NDArray[np.int64]
    lower: NDArray[np.int64]
    width: float

    @property
    def turn_share(self) -> float:
        """How far the iris moves on this ball for the same turn of a real eyeball."""
        return BALL_SHARE * self.width / self.radius


class Head:
    """The fetched head: the mean shape, its targets and the subdivision.

    `base` (n, 3): vertices before subdivision. `quads` (m, 4): of the subdivided skin. `middle`: a quarter as
    many quads over the same vertices.
    """

    def __init__(self, path: Path) -> None:
        from scipy import sparse

        store = np.load(path)
        self.base: Points = store["base"].astype(np.float64)
        self.quads: NDArray[np.int64] = store["quads"].astype(np.int64)
        self.middle: NDArray[np.int64] = store["middle"].astype(np.int64)
        self.matrix: Any = sparse.csr_matrix((store["data"], store["indices"], store["indptr"]), tuple(store["shape"]))
        self.balls = {"left": store["eye_left"], "right": store["eye_right"]}
        self._coarse: NDArray[np.int64] = store["coarse"].astype(np.int64)
        self._old: NDArray[np.int64] = store["old"]
        pieces = zip(store["names"], store["starts"][:-1], store["starts"][1:], strict=True)
        self.targets = {str(n): (store["index"][a:b], store["delta"][a:b].astype(np.float64)) for n, a, b in pieces}

    @property
    def skin(self) -> int:
        """How many vertices of the base are skin. The others are those of the eyeballs."""
        return len(self._old)

    @cached_property
    def edges(self) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Upper and lower lid edge of each eye, as vertices of `base`."""
        left = [np.searchsorted(self._old, lid) for lid in (UPPER, LOWER)]
        mirrored = self.base[: self.skin] * [-1, 1, 1]
        right = [np.array([np.linalg.norm(mirrored - self.base[i], axis=1).argmin() for i in lid]) for lid in left]
        return {"left": (left[0], left[1]), "right": (right[0], right[1])}

    @cached_property
    def pocket(self) -> NDArray[np.bool_]:
        """Which fine vertices lie behind the lid edges, where a face hides them, (m,)."""
        from scipy.sparse import csgraph, csr_matrix

        edge = np.unique(np.concatenate([lid for lids in self.edges.values() for lid in lids]))
        ends = np.stack([self._coarse, np.roll(self._coarse, -1, 1)], -1).reshape(-1, 2)
        ends = ends[~np.isin(ends, edge).any(1)]
        links = csr_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (self.skin, self.skin))
        _, part = csgraph.connected_components(links, directed=False)
        face = part == np.bincount(part).argmax()
        face[edge] = True
        near = np.zeros(self.skin, bool)
        for side in SIDES:
            centre, radius = ball(self.base[self.balls[side]])
            near |= np.linalg.norm(self.base[: self.skin] - centre, axis=1) < 1.4 * radius
        return np.asarray(self.matrix @ (near & ~face).astype(float) > 0.5)

    def move(self, points: Points, name: str, weight: float) -> None:
        """Move `points` by a target, in place."""
        index, delta = self.targets[name]
        points[index] += weight * delta

    def fine(self, points: Points) -> Points:
        """Return the subdivided skin of base vertices."""
        return np.asarray(self.matrix @ points[: self.skin])


def ball(points: Points) -> tuple[Points, float]:
    """Return centre and radius of the sphere through an eyeball's points. The flat front is left out."""
    z = points[:, 2]
    back = points[z < z.min() + 0.75 * np.ptp(z)]
    solved = np.linalg.lstsq(np.c_[2 * back, np.ones(len(back))], (back**2).sum(1), rcond=None)[0]
    return solved[:3], float(np.sqrt(solved[3] + solved[:3] @ solved[:3]))


def random_shape(head: Head, rng: np.random.Generator) -> tuple[Points, dict[Side, Eye]]:
    """Return a person's vertices (n, 3) with relaxed open eyes, and the eyes."""
    points = head.base.copy()
    for name, weight in _macros(rng):
        if name in head.targets:
            head.move(points, name, weight)
    for name, weight in _details(head, rng):
        head.move(points, name, weight)
    points -= np.mean([ball(points[head.balls[side]])[0] for side in SIDES], 0)
    return _wide_eyes(head, points, rng)


def _macros(rng: np.random.Generator) -> list[tuple[str, float]]:
    """Draw ancestry, sex, age and weight. Skin tone is drawn apart from them, so that each goes with each."""
    sex, age, fat = rng.beta(0.4, 0.4), rng.beta(1, 1.5), rng.uniform(0.1, 0.9)
    origins = dict(zip(("african", "asian", "caucasian"), rng.dirichlet([0.5] * 3), strict=True))
    mass = {"minweight": max(0, 1 - 2 * fat), "averageweight": 1 - abs(2 * fat - 1), "maxweight": max(0, 2 * fat - 1)}
    out = []
    for gender, of_sex in (("male", sex), ("female", 1 - sex)):
        for years, of_age in (("young", 1 - age), ("old", age)):
            out += [(f"macro/{origin}-{gender}-{years}", of_sex * of_age * w) for origin, w in origins.items()]
            universal = f"macro/universal-{gender}-{years}-averagemuscle"
            out += [(f"{universal}-{weight}", of_sex * of_age * w) for weight, w in mass.items()]
    return out


_ENDS = r"(incr|decr|up|down|in|out|forward|backward|convex|concave|compress|uncompress)$"
_MINUS = r"(decr|down|in|backward|concave|compress)$"
_STRONG = r"trans-|scale|push|angle|triang|invert|diamond|square|rectangular|round|oval"
"""Details that soon look unnatural."""


def _details(head: Head, rng: np.random.Generator) -> list[tuple[str, float]]:
    """Draw the weights of the details. Opposite targets share one number, both sides share most of theirs."""
    families: dict[str, list[str]] = {}
    for name in head.targets:
        if name.startswith("detail/"):
            families.setdefault(re.sub(f"-{_ENDS}", "", re.sub(r"/[lr]-", "/", name)), []).append(name)
    out = []
    for family, names in families.items():
        value = float(np.clip(rng.normal(0, 0.14 if re.search(_STRONG, family) else 0.35), -0.8, 0.8))
        wanted = [n for n in names if bool(re.search(_MINUS, n) and not n.endswith("uncompress")) == (value < 0)]
        out += [(name, abs(value) * float(rng.normal(1, 0.1))) for name in wanted]
    return out


def _wide_eyes(head: Head, points: Points, rng: np.random.Generator) -> tuple[Points, dict[Side, Eye]]:
    """Make the eyes wider and lay their lids on larger balls."""
    out, eyes = points.copy(), dict[Side, Eye]()
    wider, gap = WIDER * rng.normal(1, 0.03), rng.uniform(*OPEN_GAP)
    for side in SIDES:
        centre, radius = ball(points[head.balls[side]])
        upper, lower = head.edges[side]
        corners = points[upper[[0, -1]]]
        present = gap_over_width(points[upper], points[lower])
        scales = np.array([wider, float(np.clip(gap / present, 0.6, 1.4)) * wider, 1.0])
        away = points[: head.skin] - centre
        far = np.linalg.norm(away, axis=1)
        moved = away * (1 + (scales - 1) * _fade(far / radius, 1.3, 2.6)[:, None])
        large = radius * wider
        on_ball = large + far - radius
        depth = np.sqrt(np.maximum(on_ball**2 - moved[:, 0] ** 2 - moved[:, 1] ** 2, (0.2 * large) ** 2))
        lie = _fade(far / radius, 1.15, 1.5) * (away[:, 2] > 0)
        moved[:, 2] += lie * (depth - (large - radius) - moved[:, 2])
        out[: head.skin] += moved - away
        width = float(np.linalg.norm(corners[1] - corners[0])) * wider
        middle = centre - np.array([0, 0, large - radius])
        eyes[side] = Eye(1 if side == "left" else -1, middle, large, upper, lower, width)
    return out, eyes


def gap_over_width(upper: Points, lower: Points) -> float:
    """Return the largest vertical distance of two lid edges (k, 3) over the distance of the corners."""
    at = np.linspace(0.2, 0.8, 13)
    lids = []
    for lid in (upper, lower):
        share = (lid[:, 0] - lid[0, 0]) / (lid[-1, 0] - lid[0, 0])
        order = share.argsort()
        lids.append(np.interp(at, share[order], lid[order, 1]))
    return float((lids[0] - lids[1]).max() / np.linalg.norm(upper[0] - upper[-1]))


def _fade(value: Points, one: float, zero: float) -> Points:
    """Return 1 up to `one`, 0 from `zero`, smooth between."""
    t = np.clip((zero - value) / (zero - one), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
