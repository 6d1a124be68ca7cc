"""Photograph a person: one picture around the eyes, as a strip like those of `tools.eyes.data`, with its labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from driver_monitor.imaging import ibug
from driver_monitor.perception.eyes.patch import band_to_grey
from tools.eyes.data import strip_of
from tools.synthetic.labels import Labels, find_points, read_labels
from tools.synthetic.people import eyeball, glasses
from tools.synthetic.people.hairs import ribbons
from tools.synthetic.people.head import SIDES, Head, Points
from tools.synthetic.people.lids import Face, pose_face
from tools.synthetic.people.person import Person
from tools.synthetic.pictures.raster import BALL, FRAME, SKIN, STRAND, Mesh, Renderer, View
from tools.synthetic.pictures.scene import Scene, direction
from tools.synthetic.pictures.sensor import expose

SAMPLED = 105
"""Samples between the eyes: enough for strands and slits, whatever the size of the eyes in the picture."""
LASH, BROW = 0.006, 0.008
"""Width of a strand, dm: several hairs of 0.1 mm."""
LASH_COVER = {False: 0.65, True: 0.4}
BROW_COVER = 0.45
"""Opacity of a strand, of lashes by day (False) and in infrared: hairs are more transparent there."""
LASH_TONE = {False: 0.015, True: 0.06}
"""Reflectance of lashes by day (False) and in infrared: dark in most people, also where the hair is fair or grey."""
NARROWEST = 0.28
"""An eye whose corners are closer than this share of the eyes' distance is turned away: the picture is not used."""


@dataclass(frozen=True)
class Shot:
    """A strip (88, 168) and its labels; `labels.points` are in the strip."""

    strip: NDArray[np.uint8]
    labels: Labels


def shoot(renderer: Renderer, head: Head, person: Person, scene: Scene, rng: np.random.Generator) -> Shot | None:
    """Return the strip of a scene, None where an eye is turned away from the camera."""
    face = pose_face(head, person.points, person.eyes, scene.pose)
    view = _framed(find_points(face, person, scene.view), scene)
    if view is None:
        return None
    points = find_points(face, person, view)
    samples = max(2, round(SAMPLED / scene.span))
    picture = renderer.render(_meshes(head, person, face, scene, rng), scene.lighting, view, samples)
    gaze = direction(scene.pose.yaw, scene.pose.pitch)
    labels = read_labels(picture, points, face, person, view, gaze)
    grey = expose(rng, picture.light, picture.alpha, scene.infrared, person.skin_tone(scene.infrared))
    cut = strip_of(grey, (points - view.box[:2] - 0.5).astype(np.float32))
    return None if cut is None else Shot(cut[0], replace(labels, points=cut[1]))


def _framed(points: Points, scene: Scene) -> View | None:
    """Return the camera, zoomed to the scene's span, with the strip's box. `points`: before it is zoomed."""
    corners = [points[list(ibug.EYES[side])][[0, 3]] for side in SIDES]
    apart = float(np.linalg.norm(corners[0].mean(0) - corners[1].mean(0)))
    if min(float(np.linalg.norm(c[0] - c[1])) for c in corners) < NARROWEST * apart:
        return None
    zoom = scene.span / apart
    band = band_to_grey((points * zoom).astype(np.float32))
    if band is None:
        return None
    # The strip has the same middle as the band, and the same shape to within its margin.
    ends = np.array([[-8, -8, 1], [72, -8, 1], [-8, 40, 1], [72, 40, 1]]) @ band.T
    left, top = np.floor(ends.min(0)).astype(int)
    right, bottom = np.ceil(ends.max(0)).astype(int)
    return replace(scene.view, focal=scene.view.focal * zoom, box=(int(left), int(top), int(right), int(bottom)))


def _meshes(head: Head, person: Person, face: Face, scene: Scene, rng: np.random.Generator) -> list[Mesh]:
    tone = person.skin_tone(scene.infrared)
    skin = _look(tone * _in_light(person.pattern, scene.infrared))
    meshes = [Mesh(face.fine, head.quads, skin, SKIN, shadow=head.middle)]
    look = person.eye_look(rng, scene.infrared, scene.glow)
    for side in SIDES:
        eye = person.eyes[side]
        edges = (face.fine[eye.upper], face.fine[eye.lower])
        surface = eyeball.surface(eye, face.turns[side], look, edges, tone)
        meshes.append(Mesh(surface[0], eyeball.quads(), surface[1], BALL, left=side == "left"))
    if person.glasses:
        frame, quads = glasses.frame(person.eyes, face.fine, np.random.default_rng([person.seed, 2]))
        shade = float(np.random.default_rng([person.seed, 3]).choice([0.015, 0.06, 0.3], p=[0.6, 0.25, 0.15]))
        meshes.append(Mesh(frame, quads, _look(np.full(len(frame), shade)), FRAME))
    strands, brow = person.strands(face), person.hair_tone(scene.infrared)
    lash = min(brow, LASH_TONE[scene.infrared])
    kinds = (("brows", BROW, BROW_COVER, brow), ("lashes", LASH, LASH_COVER[scene.infrared], lash))
    for name, width, cover, hair in kinds:
        points, quads = ribbons(strands[name], scene.view.place, width)
        meshes.append(Mesh(points, quads, _look(np.full(len(points), hair)), STRAND, cover=cover))
    return meshes


def _in_light(pattern: Points, infrared: bool) -> Points:
    """Return the skin's pattern: infrared goes deeper into the skin and shows a third of its blotches."""
    return pattern**0.35 if infrared else pattern


def _look(reflectance: Points) -> NDArray[np.float32]:
    out = np.zeros((len(reflectance), 3), np.float32)
    out[:, 0] = reflectance
    return out
