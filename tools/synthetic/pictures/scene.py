"""What one picture shows, drawn by chance: lids and gaze, head, camera, and light by day or in near-infrared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.synthetic.people.head import Points
from tools.synthetic.people.lids import Pose
from tools.synthetic.pictures.raster import Lighting, View, looking_at

KINDS = {"open": 0.40, "lowered": 0.33, "closed": 0.27}
"""Shares of what the lids are driven to. The label comes from what is visible, not from here."""
SPANS = (26.0, 70.0)
"""Pixels between the eyes. The labelled in-car stills have 35 to 75; a camera farther away has less."""
DISTANCES = (4.5, 9.0)
"""From the camera to the eyes, dm."""


@dataclass(frozen=True)
class Scene:
    """Everything drawn for one picture. `glow`: light that a bright pupil sends back. `head`: yaw, pitch, roll towards
    the camera, degrees. `span`: pixels between the eyes."""

    kind: str
    pose: Pose
    head: tuple[float, float, float]
    infrared: bool
    lighting: Lighting
    view: View
    glow: float
    span: float


def random_scene(rng: np.random.Generator, infrared: bool) -> Scene:
    """Draw a picture."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    pose, bent = _pose(rng, kind)
    yaw = float(np.clip(rng.normal(0, 21), -42, 42))
    pitch = float(np.clip(rng.normal(3, 9) - bent, -32, 22))
    roll = float(rng.normal(0, 5))
    view = _view(yaw, pitch, roll, float(rng.uniform(*DISTANCES)))
    lighting, glow = _infrared(rng, view) if infrared else (_day(rng), 0.0)
    span = float(np.exp(rng.uniform(*np.log(SPANS))))
    return Scene(kind, pose, (yaw, pitch, roll), infrared, lighting, view, glow, span)


def direction(yaw: float, pitch: float) -> Points:
    """Return the unit vector at these angles, degrees, to the person's left and up. 0, 0 is straight ahead."""
    y, p = np.radians([yaw, pitch])
    return np.array([np.sin(y) * np.cos(p), np.sin(p), np.cos(y) * np.cos(p)])


def _pose(rng: np.random.Generator, kind: str) -> tuple[Pose, float]:
    """Return the pose and how far the head is bent down for it, degrees."""
    units = _expression(rng)
    if kind == "open":
        pitch = float(np.clip(rng.normal(-3, 7), -16, 16))
        return _of(rng, float(np.clip(rng.normal(1.0 + 0.01 * pitch, 0.1), 0.7, 1.25)), 12, pitch, units), 0.0
    if kind == "closed":
        if rng.random() < 0.25:
            units |= _both("eyeSquint", rng.uniform(0.3, 1)) | _both("cheekSquint", rng.uniform(0, 0.8))
        return _of(rng, 0.0, 8, float(rng.uniform(-35, 12)), units), float(rng.choice([0, rng.uniform(0, 20)]))
    if rng.random() < 0.6:
        pitch = float(rng.uniform(-42, -14))
        opening = float(np.clip(1.02 + 0.014 * pitch + rng.normal(0, 0.09), 0.2, 0.85))
        return _of(rng, opening, 10, pitch, units), float(rng.uniform(0, 22))
    units |= _both("eyeSquint", rng.uniform(0, 1)) | _both("cheekSquint", rng.uniform(0, 1))
    return _of(rng, float(rng.uniform(0.18, 0.65)), 12, float(rng.normal(-4, 7)), units), 0.0


def _of(rng: np.random.Generator, opening: float, sideways: float, pitch: float, units: dict[str, float]) -> Pose:
    apart = float(rng.normal(0, 0.03)) if opening > 0 else 0.0
    return Pose((opening + apart, max(opening - apart, 0.0)), float(rng.normal(0, sideways)), pitch, units)


def _both(unit: str, weight: float) -> dict[str, float]:
    return {f"{unit}Left": float(weight), f"{unit}Right": float(weight)}


def _expression(rng: np.random.Generator) -> dict[str, float]:
    mouth = str(rng.choice(["still", "smile", "yawn", "talk"], p=[0.45, 0.2, 0.17, 0.18]))
    units: dict[str, float] = {}
    if mouth == "smile":
        units |= _both("mouthSmile", rng.uniform(0.3, 1)) | _both("cheekSquint", rng.uniform(0, 0.8))
    elif mouth == "yawn":
        units |= {"jawOpen": float(rng.uniform(0.5, 1))} | _both("noseSneer", rng.uniform(0, 0.6))
    elif mouth == "talk":
        units |= {"jawOpen": float(rng.uniform(0.05, 0.3))}
    brows = float(rng.normal(0, 0.35))
    if brows < 0:
        return units | _both("browDown", -brows)
    return units | _both("browOuterUp", brows) | {"browInnerUp": 0.7 * brows}


def _view(yaw: float, pitch: float, roll: float, distance: float) -> View:
    """Return the camera that sees the head turned like this."""
    way = direction(-yaw, -pitch)
    turn = looking_at(way)
    c, s = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    rolled = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ turn
    return View(way * distance, rolled, 1000.0)


def _day(rng: np.random.Generator) -> Lighting:
    """Windscreen and side windows at the height of the eyes, in a third of the pictures the sun behind a hard edge."""
    ways = [direction(rng.uniform(-55, 55), rng.uniform(-20, 25))]
    ways += [direction(side * rng.uniform(50, 110), rng.uniform(-20, 25)) for side in (-1, 1)]
    strengths = [float(rng.uniform(0.4, 2.0)), *rng.uniform(0.0, 1.6, 2)]
    edge = (0.0, 0.0, 0.0, -1.0)
    if rng.random() < 0.35:
        ways.insert(0, direction(rng.uniform(-110, 110), rng.uniform(0, 40)))
        strengths.insert(0, float(np.exp(rng.uniform(np.log(1), np.log(6)))))
        if rng.random() < 0.5:
            plane = direction(rng.uniform(-180, 180), rng.uniform(-60, 60))
            edge = (float(plane[0]), float(plane[1]), float(plane[2]), float(rng.uniform(-0.6, 0.3)))
    ambient = float(rng.uniform(0.35, 0.9) * sum(strengths) / 3)
    return Lighting(np.stack(ways), np.array(strengths), ambient, rng.uniform(0.2, 0.9), rng.uniform(0.04, 0.14), edge)


def _infrared(rng: np.random.Generator, view: View) -> tuple[Lighting, float]:
    """A lamp beside the lens. Close to the lens it makes bright pupils."""
    close = rng.random() < 0.45
    off = rng.normal(0, 0.1, 2) if close else rng.uniform(-2.0, 2.0, 2)
    lamp = view.place + off @ view.turn[:2]
    ways, strengths = [lamp / np.linalg.norm(lamp)], [3.0]
    if rng.random() < 0.4:
        ways.append(direction(rng.uniform(-110, 110), rng.uniform(-10, 50)))
        strengths.append(float(rng.uniform(0.2, 1.5)))
    glow = float(rng.uniform(0.2, 1.0)) if close and rng.random() < 0.7 else 0.0
    ambient = float(rng.uniform(0.05, 0.3))
    return Lighting(np.stack(ways), np.array(strengths), ambient, rng.uniform(0.1, 0.5), rng.uniform(0.02, 0.08)), glow
