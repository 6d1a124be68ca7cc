"""Change the faces of the expression data to look as in a car: moved, turned, partly covered, badly lit.

Everything works on whole batches in torch. All random numbers come from the given generator. Covers are drawn where
eyes and mouth usually are (the template of `driver_monitor.perception.expression.net`), and move with the face.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tools.training.augment import BatchRandom, Views, photograph, resample

SIZE = 48
EYES_Y, NOSE_Y, MOUTH_Y = 18.25 / SIZE, 27.9 / SIZE, 37.0 / SIZE
EYE_X = (14.6 / SIZE, 32.65 / SIZE)


def looks(faces: Tensor, generator: torch.Generator, rough: float) -> Tensor:
    """Return another picture of each of `faces` (N, 1, 48, 48), 0 to 1.

    `rough`: scales the share of the pictures that are partly covered or badly lit. All others are only moved, mirrored
    and changed a little in their tone curve.
    """
    random = BatchRandom(generator, len(faces))
    bad = random.chance(0.6 * rough)
    faces = _where(random.chance(0.5 * rough), covered, faces, generator)
    faces = resample(faces, _views(random), SIZE)
    faces = faces.clamp(1e-4, 1) ** torch.exp(random.uniform(-0.35, 0.35, 1, 1, 1))
    return _where(bad, lambda some, random: photograph(some, None, random.generator), faces, generator)


def mouths_hidden(faces: Tensor, chosen: Tensor, generator: torch.Generator) -> Tensor:
    """Return `faces` (N, 1, 48, 48) with a grainy box over the mouth of those that are `chosen` (N,)."""
    random = BatchRandom(generator, len(faces))
    y, x = torch.meshgrid(*(2 * [(torch.arange(SIZE) + 0.5) / SIZE]), indexing="ij")
    tone = random.uniform(0, 1, 1, 1) + 0.1 * random.uniform(0, 1, 1, 1) * random.normal(SIZE, SIZE)
    where = _mouth(x[None], y[None], random) & chosen[:, None, None]
    return torch.where(where, tone.clamp(0, 1), faces[:, 0])[:, None]


def _views(random: BatchRandom) -> Views:
    """Draw squares around the centre. Other aspect ratios imitate turned and foreshortened faces."""
    centre = 0.5 + random.uniform(-0.08, 0.08, 2)
    side = random.uniform(0.86, 1.14, 1) * torch.exp(random.uniform(-0.08, 0.08, 2))
    return Views(centre, side, random.uniform(-0.24, 0.24), random.chance(0.5))


def covered(faces: Tensor, random: BatchRandom) -> Tensor:
    """Cover each face with one of: dark glasses, clear glasses, a mask, a hand or an object, a box over the mouth."""
    which = torch.floor(random.uniform(0, 5))
    y, x = torch.meshgrid(*(2 * [(torch.arange(SIZE) + 0.5) / SIZE]), indexing="ij")
    y, x = y[None], x[None]
    tone = random.uniform(0, 1, 1, 1)
    shades = faces[:, 0] * 0.15 + 0.25 * tone * (1 + 0.5 * (x - y))
    parts = (
        (_lenses(x, y, random), shades),
        (_frames(x, y, random), tone.expand_as(faces[:, 0])),
        (_mask(x, y, random), tone + 0.08 * random.normal(1, 1) * (x - 0.5)),
        (_thing(x, y, random), tone + 0.06 * random.normal(SIZE, SIZE)),
        (_mouth(x, y, random), tone + 0.1 * random.uniform(0, 1, 1, 1) * random.normal(SIZE, SIZE)),
    )
    result = faces[:, 0]
    for kind, (where, colour) in enumerate(parts):
        mine = (which == kind)[:, None, None] & where
        result = torch.where(mine, colour, result)
    return result[:, None].clamp(0, 1)


def _lenses(x: Tensor, y: Tensor, random: BatchRandom) -> Tensor:
    wide, high = random.uniform(0.13, 0.2, 1, 1), random.uniform(0.09, 0.16, 1, 1)
    row = EYES_Y + random.uniform(-0.03, 0.04, 1, 1)
    lens = [(((x - eye) / wide).abs() ** 3 + ((y - row) / high).abs() ** 3) < 1 for eye in EYE_X]
    bridge = ((x - 0.5).abs() < 0.2) & ((y - row + 0.04).abs() < 0.02)
    return lens[0] | lens[1] | bridge


def _frames(x: Tensor, y: Tensor, random: BatchRandom) -> Tensor:
    wide, high = random.uniform(0.14, 0.19, 1, 1), random.uniform(0.1, 0.15, 1, 1)
    row, edge = EYES_Y + random.uniform(-0.02, 0.04, 1, 1), random.uniform(0.55, 0.8, 1, 1)
    result = ((x - 0.5).abs() < 0.06) & ((y - row + 0.03).abs() < 0.015)
    for eye in EYE_X:
        away = ((x - eye) / wide).abs() ** 3 + ((y - row) / high).abs() ** 3
        result = result | ((away < 1) & (away > edge))
    return result


def _mask(x: Tensor, y: Tensor, random: BatchRandom) -> Tensor:
    top = NOSE_Y + random.uniform(-0.06, 0.08, 1, 1)
    return (y > top + 0.25 * (x - 0.5) ** 2) & ((x - 0.5).abs() < random.uniform(0.3, 0.42, 1, 1))


def _thing(x: Tensor, y: Tensor, random: BatchRandom) -> Tensor:
    """Return the mask of a hand or a telephone: half of them over the mouth, the others anywhere."""
    anywhere = random.chance(0.5)[:, None, None]
    column = torch.where(anywhere, random.uniform(0, 1, 1, 1), 0.5 + random.uniform(-0.12, 0.12, 1, 1))
    row = torch.where(anywhere, random.uniform(0, 1, 1, 1), MOUTH_Y + random.uniform(-0.06, 0.08, 1, 1))
    wide, high = random.uniform(0.08, 0.26, 1, 1), random.uniform(0.08, 0.2, 1, 1)
    return (((x - column) / wide) ** 4 + ((y - row) / high) ** 4) < 1


def _mouth(x: Tensor, y: Tensor, random: BatchRandom) -> Tensor:
    top, bottom = random.uniform(0.52, 0.7, 1, 1), random.uniform(0.88, 1.02, 1, 1)
    return (y > top) & (y < bottom) & (x > random.uniform(0.04, 0.28, 1, 1)) & (x < random.uniform(0.72, 0.96, 1, 1))


def _where(
    chosen: Tensor, change: Callable[[Tensor, BatchRandom], Tensor], faces: Tensor, generator: torch.Generator
) -> Tensor:
    """Apply `change` to the chosen faces."""
    rows = torch.nonzero(chosen).squeeze(1)
    if len(rows) == 0:
        return faces
    return faces.index_copy(0, rows, change(faces[rows], BatchRandom(generator, len(rows))))
