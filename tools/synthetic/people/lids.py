"""Move the lids of a head to a wanted opening, along the eyeballs and over the corneas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.synthetic.people.head import SIDES, Eye, Head, Points, Side

SEAM = 0.15
"""Share of the open gap that the lower lid rises when the eye shuts. The upper lid does the rest."""
FOLLOW = 0.30
"""Share of the open gap that the lower lid sinks when the eye looks 40 degrees down."""
LOWER_LID = 0.10
"""Height of the skin below the lower edge that moves with it, dm."""
OVERLAP = 0.03
"""Opening, below zero, to which shut lids are driven, so that they meet after subdivision."""
BULGE = 0.05
"""Height of the cornea above the eyeball, in its radii: 0.9 mm."""
LID = 0.014
"""Least thickness of a lid, in radii of the eyeball."""
BEHIND = 0.985
"""Where the skin behind the lid edges lies, in radii: inside the ball, so that it never covers the eye."""


@dataclass(frozen=True)
class Pose:
    """What the eyes do.

    `opening`: share of the person's relaxed gap for the right and the left eye; 0 is shut. `yaw`, `pitch`: turn of the
    eyes in the head, degrees, to the person's left and up. `units`: weights of face units.
    """

    opening: tuple[float, float]
    yaw: float
    pitch: float
    units: dict[str, float]


@dataclass(frozen=True)
class Face:
    """The posed skin: `fine` (m, 3) vertices, and the axis of each eye as a rotation (3, 3)."""

    fine: Points
    turns: dict[Side, Points]


def iris_angle(eye: Eye) -> float:
    """Return the half angle of the iris on the ball, radians: a radius of 5.9 mm in an eye 30 mm wide."""
    return float(np.arcsin(0.197 * eye.width / eye.radius))


def cornea(angle: Points, eye: Eye) -> Points:
    """Return how far the eye stands out of its ball, in radii, at angles (radians) from its axis."""
    edge = 1.15 * iris_angle(eye)
    return np.asarray(BULGE * np.clip(1 - (angle / edge) ** 2, 0, None) ** 1.2)


def eye_turn(eye: Eye, yaw: float, pitch: float) -> Points:
    """Return the rotation (3, 3) of a ball whose iris stands where that of a real eye would."""
    y, p = (np.arcsin(eye.turn_share * np.sin(np.radians(a))) for a in (yaw - 1.5 * eye.sign, -pitch))
    across = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    down = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    return np.asarray(across @ down)


def pose_face(head: Head, neutral: Points, eyes: dict[Side, Eye], pose: Pose) -> Face:
    """Return the face of a person in a pose."""
    points = neutral.copy()
    for unit, weight in pose.units.items():
        head.move(points, f"unit/{unit}", weight)
    turns = {side: eye_turn(eyes[side], pose.yaw, pose.pitch) for side in SIDES}
    for side, opening in zip(SIDES, pose.opening, strict=True):
        _move_lids(head, points, neutral, eyes[side], opening, pose.pitch)
    fine = head.fine(points)
    for side in SIDES:
        _lift(fine, eyes[side], turns[side][:, 2], head.pocket)
    return Face(fine, turns)


def _move_lids(head: Head, points: Points, neutral: Points, eye: Eye, opening: float, pitch: float) -> None:
    relaxed, present = neutral[: head.skin] - eye.centre, points[: head.skin] - eye.centre
    ends = relaxed[eye.upper[[-1, 0]], 0] * eye.sign
    share = (relaxed[:, 0] * eye.sign - ends[0]) / (ends[1] - ends[0])
    lids = (eye.upper, eye.lower)
    open_upper, open_lower = (np.interp(share, *_curve(share[lid], relaxed[lid, 1])) for lid in lids)
    # The face units have moved the lids already, so the way to go starts from where they are.
    upper, lower = (np.interp(share, *_curve(share[lid], present[lid, 1])) for lid in lids)
    gap = np.maximum(open_upper - open_lower, 0)
    now = opening if opening > 0 else -OVERLAP
    sink = FOLLOW * float(np.clip(-pitch / 40, -0.5, 1.2)) * min(1.0, max(opening, 0.0) + 0.3)
    low = lower + gap * (SEAM * (1 - min(now, 1.0)) - sink)
    of_upper = _upper_share(head, eye, share)
    of_lower = np.where(of_upper > 0.02, 0, _lower_share(relaxed, eye))
    shift = of_upper * (low + now * gap - upper) + of_lower * (low - lower)
    rows = np.flatnonzero(np.abs(shift) > 1e-6)
    away = points[rows] - eye.centre
    height = np.linalg.norm(away, axis=1)
    away[:, 1] += shift[rows]
    thick = np.maximum(height - eye.radius, 0.02 * eye.radius) * (1 - 0.5 * of_upper[rows] * max(0, 1 - max(now, 0)))
    reach = np.where(height < 1.6 * eye.radius, eye.radius + thick, height)
    depth = np.sqrt(np.maximum(reach**2 - away[:, 0] ** 2 - away[:, 1] ** 2, (0.15 * eye.radius) ** 2))
    away[:, 2] = np.where(away[:, 2] > 0, depth, away[:, 2])
    points[rows] = away + eye.centre


def _curve(share: Points, height: Points) -> tuple[Points, Points]:
    order = share.argsort()
    return share[order], height[order]


def _upper_share(head: Head, eye: Eye, share: Points) -> Points:
    """Return how far each vertex goes with the upper edge, 0 to 1: as in the face unit "eyeBlink"."""
    index, delta = head.targets["unit/eyeBlink" + ("Left" if eye.sign > 0 else "Right")]
    blink = np.zeros(head.skin)
    blink[index[index < head.skin]] = -delta[index < head.skin, 1]
    edge = np.interp(share, *_curve(share[eye.upper], blink[eye.upper]))
    out = np.clip(blink / np.maximum(edge, 0.02), 0, 1)
    out[eye.lower] = 0
    out[eye.upper[1:-1]] = 1
    return np.asarray(np.where(out > 0.03, out, 0))


def _lower_share(relaxed: Points, eye: Eye) -> Points:
    """Return how far each vertex goes with the lower edge, 0 to 1."""
    edge = relaxed[eye.lower[1:-1]]
    near = np.linalg.norm(relaxed[:, None] - edge[None], axis=2).min(1)
    t = np.clip(1 - near / LOWER_LID, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _lift(fine: Points, eye: Eye, axis: Points, pocket: NDArray[np.bool_]) -> None:
    """Lift the fine skin off eyeball and cornea, in place, and press what lies behind the lid edges into the ball."""
    away = fine - eye.centre
    far = np.linalg.norm(away, axis=1)
    front = (far < 1.15 * eye.radius) & (far > 0.9 * eye.radius) & (away[:, 2] > 0.1 * eye.radius)
    near = front & ~pocket
    angle = np.arccos(np.clip(away[near] @ axis / far[near], -1, 1))
    least = eye.radius * (1 + LID + cornea(angle, eye))
    fine[near] = eye.centre + away[near] * np.maximum(1, least / far[near])[:, None]
    behind = front & pocket
    fine[behind] = eye.centre + away[behind] * np.minimum(1, BEHIND * eye.radius / far[behind])[:, None]
