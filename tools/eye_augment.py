"""What cameras, glasses, hands and bad landmarks do to an eye, as batches of torch tensors."""

from __future__ import annotations

import math

import torch
from eyes_data import CORNERS, CROP_HEIGHT, CROP_WIDTH, HIDDEN, OPEN
from torch.nn import functional

from driver_monitor.eyes import patch

SHRINK = CORNERS / (patch.CORNER_SHARE * patch.WIDTH)


def augment(
    crops: torch.Tensor, label: torch.Tensor, iris: torch.Tensor, loose: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (n, 1, 32, 48) patches 0..1 and their labels for (n, 1, 64, 96) crops 0..1.

    `iris`: (n, 2) pixels of the crop or NaN. `loose`: where the crop is not rectified by landmarks.
    """
    x = bright_pupils(crops, iris, label)
    x = glasses(x)
    x, label = hide(x, label)
    x = move(x, loose)
    x = tone(x)
    x = coarsen(x)
    return normalise(sensor(x)), label


def uniform(n: int, low: float, high: float) -> torch.Tensor:
    return (torch.rand(n) * (high - low) + low).view(n, 1, 1, 1)


def chance(n: int, p: float) -> torch.Tensor:
    return (torch.rand(n) < p).view(n, 1, 1, 1)


def pixels() -> tuple[torch.Tensor, torch.Tensor]:
    """Return rows and columns of the crop, from its middle."""
    rows = torch.arange(CROP_HEIGHT).view(1, 1, CROP_HEIGHT, 1) - (CROP_HEIGHT - 1) / 2
    columns = torch.arange(CROP_WIDTH).view(1, 1, 1, CROP_WIDTH) - (CROP_WIDTH - 1) / 2
    return rows, columns


def bright_pupils(x: torch.Tensor, iris: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Light the pupil up as an infrared lamp beside the lens does, in an eighth of the open eyes."""
    n = len(x)
    rows, columns = pixels()
    known = torch.isfinite(iris).all(1) & (label == OPEN) & (torch.rand(n) < 0.12)
    centre = torch.nan_to_num(iris).view(n, 2, 1, 1, 1)
    dx = columns + (CROP_WIDTH - 1) / 2 - centre[:, 0]
    dy = rows + (CROP_HEIGHT - 1) / 2 - centre[:, 1]
    disc = torch.sigmoid((uniform(n, 2.0, 4.5) - (dx.square() + dy.square()).sqrt()) * 1.5)
    lit = x + disc * (uniform(n, 0.6, 1.0) - x).clamp_min(0)
    return torch.where(known.view(n, 1, 1, 1), lit, x)


def glasses(x: torch.Tensor) -> torch.Tensor:
    """Dark rims and small reflections that leave the lid readable."""
    n = len(x)
    rows, columns = pixels()
    tilt, at = uniform(n, -0.15, 0.15), uniform(n, 13, 26) * torch.where(chance(n, 0.5), 1.0, -1.0)
    bow = uniform(n, -0.006, 0.006)
    distance = (rows - at - tilt * columns - bow * columns.square()).abs()
    rim = torch.sigmoid((uniform(n, 0.8, 2.8) - distance) * 2) * uniform(n, 0.4, 0.95)
    x = torch.where(chance(n, 0.15), x * (1 - rim) + rim * uniform(n, 0.0, 0.5), x)
    cx, cy, angle = uniform(n, -26, 26), uniform(n, -14, 14), uniform(n, 0, math.pi)
    u = (columns - cx) * torch.cos(angle) + (rows - cy) * torch.sin(angle)
    v = (rows - cy) * torch.cos(angle) - (columns - cx) * torch.sin(angle)
    spot = torch.exp(-(u / uniform(n, 2, 9)).square() - (v / uniform(n, 1, 3)).square()) * uniform(n, 0.3, 1.0)
    return torch.where(chance(n, 0.15), x + spot * (1 - x), x)


def hide(x: torch.Tensor, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cover the whole eye in a tenth: dark glass, a bright reflection, or a hand, strand or object."""
    n = len(x)
    kind = torch.rand(n).view(n, 1, 1, 1)
    covered = kind < 0.10
    rows, columns = pixels()
    angle = uniform(n, -0.3, 0.3)
    u = (columns - uniform(n, -4, 4)) * torch.cos(angle) + (rows - uniform(n, -3, 3)) * torch.sin(angle)
    v = rows * torch.cos(angle) - columns * torch.sin(angle)
    power = uniform(n, 2, 6)
    reach = (u.abs() / uniform(n, 27, 60)).pow(power) + (v.abs() / uniform(n, 17, 34)).pow(power)
    shape = torch.sigmoid((1 - reach) * uniform(n, 3, 20))
    ramp = (u * uniform(n, -1, 1) + v * uniform(n, -1, 1)) / 60
    coarse = functional.interpolate(
        torch.rand(n, 1, 5, 7), (CROP_HEIGHT, CROP_WIDTH), mode="bicubic", align_corners=False
    )
    glass = x * uniform(n, 0.0, 0.12) + uniform(n, 0.02, 0.3) * (1 + ramp) + 0.12 * (coarse - 0.5) * uniform(n, 0, 1)
    glare = uniform(n, 0.75, 1.1) + 0.2 * ramp
    skin = uniform(n, 0.15, 0.85) * (1 + 0.6 * ramp) + (coarse - 0.5) * uniform(n, 0.0, 0.35)
    cover = torch.where(kind < 0.045, glass, torch.where(kind < 0.065, glare, skin))
    x = torch.where(covered, (x + shape * (cover - x)).clamp(0, 1), x)
    return x, torch.where(covered.view(n), HIDDEN, label)


def move(x: torch.Tensor, loose: torch.Tensor) -> torch.Tensor:
    """Cut the patch out with the errors of landmarks: turn, scale, stretch, shift; loose crops vary more."""
    n = len(x)
    wild = torch.where(loose, 1.7, 1.0)
    angle = torch.randn(n) * 0.08 * wild
    scale = torch.exp(torch.randn(n) * 0.10 * wild) * SHRINK
    stretch = torch.exp(torch.randn(n) * 0.07)
    flip = torch.where(loose & (torch.rand(n) < 0.5), -1.0, 1.0)
    dx, dy = torch.randn(n) * 1.8 * wild, torch.randn(n) * 1.8 * wild
    half_in = torch.tensor([CROP_WIDTH / 2, CROP_HEIGHT / 2])
    half_out = (patch.WIDTH / 2, patch.HEIGHT / 2)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    top = torch.stack([flip * cos * stretch * half_out[0], -sin * half_out[1], dx], 1) / half_in[0]
    bottom = torch.stack([flip * sin * stretch * half_out[0], cos * half_out[1], dy], 1) / half_in[1]
    grid = functional.affine_grid(torch.stack([top, bottom], 1), [n, 1, patch.HEIGHT, patch.WIDTH], align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def tone(x: torch.Tensor) -> torch.Tensor:
    """Bend the grey tones, some strongly as near-infrared skin, and light the patch from one side."""
    n = len(x)
    gamma = torch.exp(torch.where(chance(n, 0.25), uniform(n, -1.0, 0.7), uniform(n, -0.35, 0.35)))
    x = x.clamp(1e-4, 1).pow(gamma)
    rows, columns = torch.linspace(-1, 1, patch.HEIGHT).view(1, 1, -1, 1), torch.linspace(-1, 1, patch.WIDTH)
    ramp = 1 + uniform(n, -0.5, 0.5) * columns.view(1, 1, 1, -1) + uniform(n, -0.35, 0.35) * rows
    x = torch.where(chance(n, 0.5), x * ramp, x)
    shadow = torch.sigmoid((rows * uniform(n, -1, 1) + columns * uniform(n, -1, 1) + uniform(n, -0.5, 0.5)) * 20)
    x = torch.where(chance(n, 0.08), x * (1 - shadow * uniform(n, 0.3, 0.7)), x)
    return (x * uniform(n, 0.8, 1.25)).clamp(0, 1)


def coarsen(x: torch.Tensor) -> torch.Tensor:
    """Small eyes (down to 8 px from corner to corner) and blur; one size for each eighth of the batch."""
    parts = []
    for part in x.chunk(8):
        eye = 28.8 * 2 ** float(torch.empty(1).uniform_(-1.9, 1.2))
        if eye < 27:
            size = (max(round(patch.HEIGHT * eye / 28.8), 6), max(round(patch.WIDTH * eye / 28.8), 9))
            small = functional.interpolate(part, size, mode="area")
            full = (patch.HEIGHT, patch.WIDTH)
            parts.append(functional.interpolate(small, full, mode="bilinear", align_corners=False))
        elif torch.rand(1) < 0.3:
            kernel = [(1, 3), (3, 1), (3, 3), (1, 5), (5, 5)][int(torch.randint(5, (1,)))]
            pad = (kernel[1] // 2, kernel[1] // 2, kernel[0] // 2, kernel[0] // 2)
            parts.append(functional.avg_pool2d(functional.pad(part, pad, mode="replicate"), kernel, 1))
        else:
            parts.append(part)
    return torch.cat(parts)


def sensor(x: torch.Tensor) -> torch.Tensor:
    """Return grey levels 0..255 as a sensor gives them: a third at a gain down to 1/16, with noise, in whole levels."""
    n = len(x)
    gain = torch.where(chance(n, 0.3), torch.exp2(uniform(n, -4, 0)), torch.ones(n, 1, 1, 1))
    noise = torch.where(chance(n, 0.5), uniform(n, 0, 1), torch.zeros(n, 1, 1, 1))
    noise = noise * (1.0 + 9 * gain.square())
    noisy = x * 255 * gain + noise * torch.randn_like(x)
    return noisy.clamp(0, 255).round()


def normalise(x: torch.Tensor) -> torch.Tensor:
    """Do the same as `patch.normalise`, for a batch, and bring it to 0..1."""
    flat = x.flatten(1).sort(1).values
    count = flat.shape[1] - 1
    low, high = (flat[:, round(count * share)].view(-1, 1, 1, 1) for share in (0.02, 0.98))
    stretched = (x - (low + high) / 2) * (215 / (high - low).clamp_min(8)) + 127.5
    return stretched.clamp(0, 255).round() / 255
