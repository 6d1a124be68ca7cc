"""The visible part of an eyeball: a mesh with cornea, and its brightness from pupil to lid."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tools.synthetic.people.head import Eye, Points
from tools.synthetic.people.lids import cornea, iris_angle

RINGS, SEGMENTS = 56, 48
REACH = np.radians(86)
"""How far from its axis the ball is drawn. What lies behind is never seen between lids."""


@dataclass(frozen=True)
class EyeLook:
    """Reflectances, 0 to 1, of iris and sclera; the pupil's radius over the iris's; what a bright pupil sends back."""

    iris: float
    sclera: float
    pupil: float
    glow: float
    seed: int


def quads() -> NDArray[np.int64]:
    """Return the quads (m, 4) of the mesh."""
    i, j = np.mgrid[0 : RINGS - 1, 0:SEGMENTS]
    corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
    return np.stack([a * SEGMENTS + b % SEGMENTS for a, b in corners], -1).reshape(-1, 4).astype(np.int64)


def surface(
    eye: Eye, turn: Points, look: EyeLook, edges: tuple[Points, Points], skin: float
) -> tuple[Points, NDArray[np.float32]]:
    """Return vertices (n, 3) and, for each, reflectance, glow and whether it is iris (n, 3).

    `turn`: rotation of the ball. `edges`: points of the upper and the lower lid edge. `skin`: its reflectance.
    """
    edge = iris_angle(eye)
    ring = np.r_[np.linspace(0, 1.25 * edge, 34, endpoint=False), np.linspace(1.25 * edge, REACH, RINGS - 34)]
    angle, around = np.meshgrid(ring, np.linspace(0, 2 * np.pi, SEGMENTS, endpoint=False), indexing="ij")
    reach = eye.radius * (1 + cornea(angle, eye))
    way = np.stack([np.sin(angle) * np.cos(around), np.sin(angle) * np.sin(around), np.cos(angle)], -1)
    points = (way * reach[..., None]).reshape(-1, 3) @ turn.T + eye.centre
    colour, glow = _colours(angle, edge, look)
    shaded = colour.ravel() * _under_lids(points, *edges)
    flesh = _near(points, edges[0][-1], 0.09 * eye.width)
    colour = shaded * (1 - flesh) + 0.75 * skin * flesh
    return points, np.stack([colour, glow.ravel(), (angle < edge).ravel()], 1).astype(np.float32)


def _colours(angle: Points, edge: float, look: EyeLook) -> tuple[Points, Points]:
    rng = np.random.default_rng(look.seed)
    rays = np.tile(rng.normal(0, 1, (1, SEGMENTS)), (RINGS, 1)) + 0.5 * rng.normal(0, 1, (RINGS, SEGMENTS))
    rays = np.asarray(cv2.GaussianBlur(rays, (3, 3), 0), np.float64)
    at = angle / edge
    iris = look.iris * (1 + 0.2 * rays) * (1 - 0.5 * np.exp(-(((at - 0.96) / 0.07) ** 2)))
    veins = 1 + 0.05 * rays - 0.15 * np.clip(at - 1.2, 0, 1)
    white = 1 / (1 + np.exp(-(at - 1) / 0.03))
    hole = 1 / (1 + np.exp((at - look.pupil) / 0.025))
    colour = (iris * (1 - white) + look.sclera * veins * white) * (1 - hole) + 0.004 * hole
    return np.clip(colour, 0.002, 0.95), hole * look.glow


def _under_lids(points: Points, upper: Points, lower: Points) -> Points:
    """Return how much light reaches the ball: lids and lashes keep it from the parts beside their edges."""
    out = np.ones(len(points))
    for lid, depth, reach in ((upper, 0.45, 0.025), (lower, 0.20, 0.012)):
        near, _ = cKDTree(along(lid)).query(points)
        out *= 1 - depth * np.exp(-near / reach)
    return out


def along(edge: Points) -> Points:
    """Return 60 points along a lid edge (k, 3)."""
    at = np.linspace(0, len(edge) - 1, 60)
    return np.stack([np.interp(at, np.arange(len(edge)), edge[:, k]) for k in range(3)], 1)


def _near(points: Points, place: Points, reach: float) -> Points:
    return np.asarray(np.exp(-((np.linalg.norm(points - place, axis=1) / reach) ** 2)))
