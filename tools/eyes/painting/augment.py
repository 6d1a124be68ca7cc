"""Change batches of eyes as cameras, glasses, hands and bad landmarks do."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from driver_monitor.perception.eyes import patch
from driver_monitor.perception.eyes.iris import IRIS_MM, WIDTH_MM
from tools.eyes.data import HEIGHT, SPAN, WIDTH
from tools.eyes.painting.paint import chance, paint, pixels, uniform
from tools.eyes.painting.spots import spot
from tools.training.mesh_teacher import MIRROR

RIGHT_IRIS, LEFT_IRIS = 68, 69
OUTER, INNER = 36, 39
IRIS_SHARE = IRIS_MM / WIDTH_MM
"""Diameter of the iris over the width of the eye."""
LOST = 0.03
"""Share of the eyes that are cut at a wrong place, as with lost landmarks. They count as hidden."""
NO_BAND = 0.08
"""Share of the samples that get an empty band."""


@dataclass
class Batch:
    """Strips (n, 1, 88, 168), 0 to 1, points (n, 70, 2) in them, and the labels of the driver's right eye.

    `closed`, `lowered`, `hidden`, `sunglasses`: 1, 0, or NaN where not known. `ear`: eye aspect ratio, `iris`: visible
    share of the iris, `down`: how far its middle is below the eye's corners, in widths of the eye; NaN where not known.
    `soft` (n, nets, 3): closed, lowered and hidden by the teacher of each net, NaN where it has not seen the eye.
    `loose`: a crop of one eye only. `taught`: labelled by the mesh, which takes some sunglasses for eyes. `meshed`: the
    points are of the mesh, and fit the eyes in the strip. `allowed` (nets, n): which net may learn from it. `unclear`:
    a painted cover hides so much that neither hidden nor visible is right.
    """

    strip: torch.Tensor
    points: torch.Tensor
    closed: torch.Tensor
    lowered: torch.Tensor
    hidden: torch.Tensor
    sunglasses: torch.Tensor
    ear: torch.Tensor
    iris: torch.Tensor
    down: torch.Tensor
    soft: torch.Tensor
    loose: torch.Tensor
    taught: torch.Tensor
    meshed: torch.Tensor
    allowed: torch.Tensor
    unclear: torch.Tensor


def turn_round(batch: Batch, ears: torch.Tensor, soft: torch.Tensor) -> Batch:
    """Mirror half of the strips, so that the left eye becomes the right one.

    `ears` (n, 2), `soft` (n, 2, nets, 3): right and left.
    """
    left = torch.rand(len(ears)) < 0.5
    mirrored = batch.points[:, list(MIRROR)] * torch.tensor([-1.0, 1.0]) + torch.tensor([WIDTH - 1.0, 0.0])
    mirrored = torch.where(batch.loose.view(-1, 1, 1), batch.points, mirrored)
    batch.strip = torch.where(left.view(-1, 1, 1, 1), batch.strip.flip(3), batch.strip)
    batch.points = torch.where(left.view(-1, 1, 1), mirrored, batch.points)
    batch.ear = torch.where(left, ears[:, 1], ears[:, 0])
    batch.soft = torch.where(left.view(-1, 1, 1), soft[:, 1], soft[:, 0])
    batch.iris, batch.down = iris_of(batch)
    return batch


def iris_of(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the fields `iris` and `down` of the right eyes, by the points of the mesh. A closed eye shows no iris."""
    p = batch.points
    width, middle = (p[:, INNER] - p[:, OUTER]).norm(dim=1).clamp_min(2.0), (p[:, OUTER, 1] + p[:, INNER, 1]) / 2
    radius, at = IRIS_SHARE * width / 2, p[:, RIGHT_IRIS, 1]
    upper, lower = p[:, [37, 38], 1].mean(1), p[:, [40, 41], 1].mean(1)
    seen = (torch.minimum(lower, at + radius) - torch.maximum(upper, at - radius)) / (2 * radius)
    known = batch.meshed & (batch.closed == 0)
    iris = torch.where(known, seen.clamp(0, 1), torch.where(batch.closed == 1, 0.0, torch.nan))
    return iris, torch.where(known, (at - middle) / width, torch.nan)


def augment(
    batch: Batch, ears: torch.Tensor, soft: torch.Tensor, scenes: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return eyes (n, 1, 32, 48) and bands (n, 1, 32, 64), 0 to 1. The labels in `batch` are changed to fit.

    `scenes` (m, h, w), uint8: pictures for reflections in lenses.
    """
    batch = turn_round(batch, ears, soft)
    batch.strip = infrared_pupils(batch)
    paint(batch, scenes)
    spot(batch)
    x = coarsen(batch.strip)
    lost = (torch.rand(len(x)) < LOST) & ~batch.loose
    batch.hidden[lost], batch.sunglasses[lost] = 1.0, 0.0
    away = torch.where(lost, uniform(len(x), 16, 26).view(-1), torch.zeros(len(x)))
    away = away * torch.where(torch.rand(len(x)) < 0.7, -1.0, 1.0)
    light, (gain, noise) = tone(len(x)), sensor(len(x))
    eye = sensed(lit(cut_eye(x, batch, away), *light), gain, noise)
    band = sensed(lit(cut_band(functional.avg_pool2d(x, 2), away), *light), gain, noise)
    none = batch.loose | (torch.rand(len(x)) < NO_BAND)
    return eye, torch.where(none.view(-1, 1, 1, 1), torch.zeros(()), band)


def infrared_pupils(batch: Batch) -> torch.Tensor:
    """Give a sixth of the open eyes the pupils of infrared light.

    In half of them both pupils glow, as with a lamp close to the lens. In the others the iris is pale and the pupil is
    black.
    """
    n = len(batch.strip)
    which = (torch.rand(n) < 0.16) & ~batch.loose & (batch.closed == 0) & (batch.hidden == 0) & (batch.ear > 0.15)
    out, rows = batch.strip.clone(), torch.nonzero(which).view(-1)
    n = len(rows)
    if not n:
        return out
    (y, x), bright = pixels(), chance(n, 0.5)
    level, size, pale = uniform(n, 0.6, 1.0), uniform(n, 1.5, 3.5), uniform(n, 0.35, 0.6)
    for iris in (RIGHT_IRIS, LEFT_IRIS):
        at = batch.points[rows, iris].view(-1, 2, 1, 1, 1)
        far = ((x - at[:, 0]).square() + (y - at[:, 1]).square()).sqrt()
        disc, ring = torch.sigmoid((size - far) * 1.5), torch.sigmoid((5.5 - far) * 1.5)
        glowing = out[rows] + disc * (level - out[rows]).clamp_min(0)
        faded = out[rows] + ring * (pale - out[rows]).clamp_min(0) * 0.7
        out[rows] = torch.where(bright, glowing, faded * (1 - disc * 0.9))
    return out


def tone(n: int) -> tuple[torch.Tensor, ...]:
    """Draw a tone curve, light from one side, and a shadow's edge and depth. Some are strong, as in infrared."""
    power = torch.exp(torch.where(chance(n, 0.25), uniform(n, -1.0, 0.7), uniform(n, -0.35, 0.35)))
    side = torch.where(chance(n, 0.5), 1.0, 0.0) * torch.cat([uniform(n, -0.5, 0.5), uniform(n, -0.35, 0.35)], 1)
    edge = torch.cat([uniform(n, -1, 1), uniform(n, -1, 1), uniform(n, -0.5, 0.5)], 1)
    shade = torch.where(chance(n, 0.08), uniform(n, 0.3, 0.7), torch.zeros(n, 1, 1, 1))
    return power, side, edge, shade


def lit(
    x: torch.Tensor, power: torch.Tensor, side: torch.Tensor, edge: torch.Tensor, shade: torch.Tensor
) -> torch.Tensor:
    """Apply what `tone` has drawn to `x`."""
    y, c = torch.linspace(-1, 1, x.shape[2]).view(1, 1, -1, 1), torch.linspace(-1, 1, x.shape[3]).view(1, 1, 1, -1)
    dark = torch.sigmoid((y * edge[:, :1] + c * edge[:, 1:2] + edge[:, 2:]) * 20)
    x = x.clamp(1e-4, 1).pow(power) * (1 + side[:, :1] * c + side[:, 1:] * y).clamp_min(0) * (1 - dark * shade)
    return (x * uniform(len(x), 0.8, 1.25)).clamp(0, 1)


def coarsen(x: torch.Tensor) -> torch.Tensor:
    """Shrink (down to 8 px from corner to corner) or blur the eyes; one size for each sixteenth of the batch."""
    parts = []
    for part in x.chunk(16):
        share = 2 ** float(torch.empty(1).uniform_(-1.9, 1.3))
        if share < 0.95:
            small = functional.interpolate(part, (round(HEIGHT * share), round(WIDTH * share)), mode="area")
            if torch.rand(1) < 0.4:
                small = small + torch.randn_like(small) * float(torch.rand(1)) * 0.03
            parts.append(functional.interpolate(small, (HEIGHT, WIDTH), mode="bilinear", align_corners=False))
        elif torch.rand(1) < 0.3:
            kernel = [(1, 3), (3, 1), (3, 3), (1, 5), (5, 5), (1, 7)][int(torch.randint(6, (1,)))]
            pad = (kernel[1] // 2, kernel[1] // 2, kernel[0] // 2, kernel[0] // 2)
            parts.append(functional.avg_pool2d(functional.pad(part, pad, mode="replicate"), kernel, 1))
        else:
            parts.append(part)
    return torch.cat(parts)


def cut_eye(x: torch.Tensor, batch: Batch, away: torch.Tensor) -> torch.Tensor:
    """Cut out the eye with errors of landmarks: roll, scale, stretch, shift. They are larger for loose crops."""
    n = len(x)
    outer, inner = batch.points[:, OUTER], batch.points[:, INNER]
    along = inner - outer
    width = along.norm(dim=1).clamp_min(2.0)
    wild = torch.where(batch.loose | (torch.rand(n) < 0.15), 1.8, 1.0)
    shift = torch.randn(n, 2) * 0.045 * (wild * width).view(n, 1)
    shift[:, 1] += away
    angle = torch.atan2(along[:, 1], along[:, 0]) + torch.randn(n) * 0.08 * wild
    scale = torch.exp(torch.randn(n) * 0.09 * wild) * width / (patch.CORNER_SHARE * patch.WIDTH)
    scales = torch.stack([scale * torch.exp(torch.randn(n) * 0.09), scale], 1)
    return cut(x, (outer + inner) / 2 + shift, angle, scales, (patch.HEIGHT, patch.WIDTH))


def cut_band(half: torch.Tensor, away: torch.Tensor) -> torch.Tensor:
    """Cut out the band with errors of landmarks. `half`: the strips at half size."""
    n = len(half)
    middle = torch.tensor([(WIDTH - 1) / 2, (HEIGHT - 1) / 2]) + torch.randn(n, 2) * 2.5
    middle[:, 1] += away
    scale = torch.exp(torch.randn(n, 1) * 0.07) * SPAN / (patch.BAND_SHARE * patch.BAND_WIDTH)
    scales = scale * torch.exp(torch.randn(n, 2) * 0.05)
    angle = torch.randn(n) * 0.06
    return cut(half, (middle - 0.5) / 2, angle, scales / 2, (patch.BAND_HEIGHT, patch.BAND_WIDTH))


def cut(
    x: torch.Tensor, middle: torch.Tensor, angle: torch.Tensor, scales: torch.Tensor, size: tuple[int, int]
) -> torch.Tensor:
    """Cut rectangles of `size` around `middle` (n, 2). `scales`: pixels of `x` per pixel, along and down."""
    high, wide = x.shape[2:]
    half = torch.tensor([size[1] / 2, size[0] / 2])
    cos, sin = torch.cos(angle), torch.sin(angle)
    across = torch.stack([cos * scales[:, 0] * half[0], -sin * scales[:, 1] * half[1], middle[:, 0] + 0.5], 1)
    down = torch.stack([sin * scales[:, 0] * half[0], cos * scales[:, 1] * half[1], middle[:, 1] + 0.5], 1)
    across, down = across / (wide / 2), down / (high / 2)
    across[:, 2] -= 1
    down[:, 2] -= 1
    grid = functional.affine_grid(torch.stack([across, down], 1), [len(x), 1, *size], align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def sensor(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw gain and noise of a sensor: a third with a gain down to 1/16, half with noise."""
    gain = torch.where(chance(n, 0.3), torch.exp2(uniform(n, -4, 0)), torch.ones(n, 1, 1, 1))
    noise = torch.where(chance(n, 0.5), uniform(n, 0, 1), torch.zeros(n, 1, 1, 1))
    return gain, noise * (1.0 + 8 * gain.square())


def sensed(x: torch.Tensor, gain: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Return `x` as such a sensor gives it, in whole grey levels, and stretched as at run time."""
    return stretched((x * 255 * gain + noise * torch.randn_like(x)).clamp(0, 255).round())


def stretched(x: torch.Tensor) -> torch.Tensor:
    """Return grey levels `x` (n, 1, h, w) as the net gets them at run time: see `patch.normalise`."""
    flat = x.flatten(1).sort(1).values
    count = flat.shape[1] - 1
    low, high = (flat[:, round(count * share)].view(-1, 1, 1, 1) for share in (0.02, 0.98))
    out = (x - (low + high) / 2) * (215 / (high - low).clamp_min(8)) + 127.5
    return out.clamp(0, 255).round() / 255
