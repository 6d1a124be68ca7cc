"""A random person: the shape, and how skin, hair and eyes reflect light by day and in near-infrared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from tools.synthetic.people import eyeball
from tools.synthetic.people.eyeball import EyeLook
from tools.synthetic.people.hairs import Strands, brow, lashes
from tools.synthetic.people.head import SIDES, Eye, Head, Points, Side, random_shape
from tools.synthetic.people.lids import Face

DAY_SKIN = (0.48, 0.045)
"""Reflectance of the lightest and the darkest skin in visible light (about as measured at 550 nm, NIST TN 1.1 data)."""
INFRARED_SKIN = (0.60, 0.44)
"""The same at 940 nm, where skins differ little."""
HAIRS = ((0.012, 0.03, 0.08, 0.22), (0.45, 0.30, 0.15, 0.10))
"""Reflectances of black, brown, fair and grey hair in visible light, and their shares."""
IRISES = (0.02, 0.035, 0.06, 0.10, 0.17)
"""Reflectances of dark to blue irises in visible light. Dark skin gets the first two."""

LASH_LINE = 0.017
"""Reach of the dark line of lash roots along the lid edges, dm."""


@dataclass(frozen=True)
class Person:
    """One person. `skin`: 0 is the lightest, 1 the darkest. `pattern`: factor on the skin's reflectance, (m,)."""

    points: Points
    eyes: dict[Side, Eye]
    skin: float
    hair: float
    pattern: Points
    iris: float
    lash: tuple[float, float]
    brow: tuple[float, float, float]
    glasses: bool
    seed: int

    def skin_tone(self, infrared: bool) -> float:
        """Return the skin's reflectance."""
        light, dark = INFRARED_SKIN if infrared else DAY_SKIN
        return float(np.exp(np.interp(self.skin, [0, 1], np.log([light, dark]))))

    def hair_tone(self, infrared: bool) -> float:
        """Return the reflectance of lashes and brows, darker than the skin.

        Hair is paler in infrared: melanin absorbs less there.
        """
        return 0.06 + 0.6 * self.hair if infrared else min(self.hair, 0.4 * self.skin_tone(infrared))

    def strands(self, face: Face) -> dict[str, Strands]:
        """Return lashes and brows on a posed face, each (n, 5, 3)."""
        rng = np.random.default_rng([self.seed, 1])
        lash = [lashes(face.fine, self.eyes[side], rng, *self.lash) for side in SIDES]
        brows = [brow(face.fine, self.eyes[side], rng, self.brow) for side in SIDES]
        return {"lashes": np.concatenate(lash), "brows": np.concatenate(brows)}

    def eye_look(self, rng: np.random.Generator, infrared: bool, glow: float) -> EyeLook:
        """Return how the eyes look in one picture. `glow`: of a bright pupil, 0 for a dark one."""
        # In the stills the white of the eye is hardly brighter than light skin. In infrared irises are grey.
        sclera = rng.uniform(0.26, 0.42) if infrared else 0.08 + rng.uniform(0.4, 0.7) * self.skin_tone(infrared)
        iris = 0.10 + 0.9 * self.iris + rng.uniform(0, 0.15) if infrared else self.iris
        pupil = rng.uniform(0.35, 0.7) if infrared else rng.uniform(0.2, 0.5)
        return EyeLook(float(iris), float(sclera), float(pupil), glow, self.seed)


def random_person(head: Head, seed: int) -> Person:
    """Return the person of a seed. Half wear glasses; skin tones are even from light to dark."""
    rng = np.random.default_rng([seed, 0])
    points, eyes = random_shape(head, rng)
    skin = float(rng.uniform())
    values, shares = HAIRS
    hair = float(rng.choice(values, p=shares)) if skin < 0.5 else float(rng.choice(values[:2]))
    iris = float(rng.choice(IRISES[:2] if skin > 0.5 else IRISES)) * float(rng.normal(1, 0.12))
    brows = (float(rng.uniform(0.225, 0.29)), float(rng.uniform(0.008, 0.02)), float(rng.uniform(250, 700)))
    lash = (float(rng.uniform(0.14, 0.32)), float(rng.uniform(0.1, 0.8)))
    pattern = _pattern(head.fine(points), eyes, rng)
    return Person(points, eyes, skin, hair, pattern, max(iris, 0.015), lash, brows, bool(rng.random() < 0.5), seed)


def _pattern(fine: Points, eyes: dict[Side, Eye], rng: np.random.Generator) -> Points:
    """Return blotches, dark rings around the eyes and the hairline, as factors (m,)."""
    out = np.ones(len(fine))
    for waves, most in ((6, 0.06), (20, 0.05), (60, 0.04)):
        for way in rng.normal(0, waves, (5, 3)):
            out += most / 3 * np.cos(fine @ way + rng.uniform(0, 2 * np.pi))
    ring, lid = rng.uniform(0, 0.25), rng.uniform(0, 0.12)
    for side in SIDES:
        eye = eyes[side]
        for edge, dark in ((eye.upper, 0.8), (eye.lower, 0.35)):
            far, _ = cKDTree(eyeball.along(fine[edge])).query(fine, distance_upper_bound=4 * LASH_LINE)
            out *= 1 - dark * np.exp(-((far / LASH_LINE) ** 2))
        flat = (fine - eye.centre) / eye.width
        out *= 1 - ring * np.exp(-(((flat[:, 1] + 0.45) / 0.3) ** 2) - (flat[:, 0] / 0.6) ** 2)
        out *= 1 - lid * np.exp(-(((flat[:, 1] - 0.25) / 0.25) ** 2) - (flat[:, 0] / 0.6) ** 2)
    line = 0.55 + 0.3 * rng.random() - 0.35 * np.clip(np.abs(fine[:, 0]) - 0.4, 0, 1) + 0.03 * np.cos(fine[:, 0] * 25)
    grown = 1 / (1 + np.exp(-(np.maximum(fine[:, 1] - line, -fine[:, 2] - 0.35 * rng.random()) / 0.02)))
    return np.asarray(np.clip(out * (1 - 0.8 * grown), 0.05, 1.5))
