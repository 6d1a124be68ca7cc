"""Exact labels of a picture: points, and the class by how many pixels show an eyeball."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driver_monitor.imaging import ibug
from tools.synthetic.people.head import SIDES, Points, Side
from tools.synthetic.people.lids import Face, iris_angle
from tools.training.mesh_teacher import eye_aspect_ratio

if TYPE_CHECKING:
    from tools.synthetic.people.person import Person
    from tools.synthetic.pictures.raster import Picture, View

SHUT = 0.006
"""Up to this area of eyeball, also behind lashes, an eye is closed, over its width squared. A relaxed eye has 0.2."""
SLIT = 0.022
"""From this area of visible eyeball on an eye is not closed. Between the two nobody can tell: "unsure"."""
LEAST_PIXELS = 3
"""An eyeball with fewer visible pixels of the camera than this is "unsure", however large it is over the width."""
OPEN = 0.14
"""From this area on an eye is open; below it is lowered or narrow. On the in-car stills the mesh's eye aspect ratio of
lowered eyes is 0.7 of that of open ones; so is this of a relaxed open eye here."""
VISIBLE = 0.5
"""A pixel of the camera shows an eyeball or an iris if more than this share of it does. Through a row of lashes a
person sees no eyeball, even if a tenth of the light comes from it."""


@dataclass(frozen=True)
class Labels:
    """Labels of a picture; pairs are of the right eye, then the left.

    `points`: (70, 2), NaN for what is not known: only eyes and nose are. `area`: visible eyeball over width squared.
    `iris`: visible share of the iris. `ear`: eye aspect ratio. `gaze`: yaw and pitch towards the camera, degrees.
    """

    label: str
    points: Points
    area: tuple[float, float]
    iris: tuple[float, float]
    ear: tuple[float, float]
    gaze: tuple[float, float]


def find_points(face: Face, person: Person, view: View) -> Points:
    """Return the 70 points (70, 2) in a view, NaN for those that are not known."""
    places = np.full((70, 3), np.nan)
    for side, iris in zip(SIDES, (68, 69), strict=True):
        eye = person.eyes[side]
        numbers = ibug.EYES[side]
        upper, lower = (_along(face.fine[lid]) for lid in (eye.upper, eye.lower))
        places[list(numbers)] = [upper[0], upper[1], upper[2], upper[3], lower[2], lower[1]]
        places[iris] = eye.centre + face.turns[side][:, 2] * eye.radius
    middle = face.fine[np.abs(face.fine[:, 0]) < 0.03]
    middle = middle[(middle[:, 1] < -0.1) & (middle[:, 2] > 0)]
    tip = middle[middle[:, 2].argmax()]
    below = middle[(middle[:, 1] < tip[1] - 0.05) & (middle[:, 1] > tip[1] - 0.28)]
    places[ibug.NOSE_TIP], places[ibug.NOSE_BASE] = tip, below[below[:, 2].argmin()]
    return view.project(places)


def _along(edge: Points) -> Points:
    """Return a lid edge's points at 0, 1/3, 2/3 and 1 of its length."""
    steps = np.r_[0, np.linalg.norm(np.diff(edge, axis=0), axis=1).cumsum()]
    at = np.array([0, 1 / 3, 2 / 3, 1]) * steps[-1]
    return np.stack([np.interp(at, steps, edge[:, k]) for k in range(3)], 1)


def read_labels(picture: Picture, points: Points, face: Face, person: Person, view: View, gaze: Points) -> Labels:
    """Return the labels. `points`: those of `find_points` for the same view. `gaze`: unit vector in the head."""
    area, traces, iris, pixels = [], [], [], []
    visible = (picture.seen > VISIBLE).sum((0, 1))
    for k, side in enumerate(SIDES):
        corners = points[list(ibug.EYES[side])][[0, 3]]
        pixels.append(int(visible[2 * k]))
        square = max(math.dist(*corners) ** 2, 1.0)
        area.append(pixels[-1] / square)
        traces.append(float(picture.seen[..., 2 * k].sum()) / square)
        iris.append(min(float(visible[2 * k + 1]) / _whole_iris(face, person, side, view), 1.0))
    right, left = eye_aspect_ratio(points).tolist()
    seen_gaze = view.turn @ gaze
    towards = (math.degrees(math.atan2(seen_gaze[0], seen_gaze[2])), math.degrees(math.asin(seen_gaze[1])))
    pair = (area[0], area[1])
    return Labels(class_of(pair, max(traces), min(pixels)), points, pair, (iris[0], iris[1]), (right, left), towards)


def class_of(area: tuple[float, float], traces: float, pixels: int) -> str:
    """Return closed, lowered, open or unsure.

    `area`: visible eyeball of both eyes. `traces`: the same with what shows through lashes, of the eye with more of it.
    `pixels`: visible pixels of the eye with fewer.
    """
    if traces <= SHUT:
        return "closed"
    if min(area) < SLIT or pixels < LEAST_PIXELS:
        return "unsure"
    return "open" if sum(area) / 2 >= OPEN else "lowered"


def _whole_iris(face: Face, person: Person, side: Side, view: View) -> float:
    """Return how many pixels the iris would fill without lids."""
    eye, axis = person.eyes[side], face.turns[side][:, 2]
    place = eye.centre + axis * eye.radius
    to_camera = view.place - place
    far = float(np.linalg.norm(to_camera))
    radius = eye.radius * math.sin(iris_angle(eye)) * view.focal / far
    return max(math.pi * radius**2 * float(axis @ to_camera) / far, 1.0)
