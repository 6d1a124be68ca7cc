"""Load the labelled faces from which one net may learn, as `teach` and `turn_heads` cached them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tools.training.mesh_teacher import eye_aspect_ratio
from tools.training.people import folds, may_teach

MOST_UNSURE = 0.02
"""Faces with a larger spread of the teacher's results, in sizes of the face, are not learned from."""
Stage = Literal["base", "shipped", "0", "1", "2", "3", "4"]
"""The base learns from nobody in `incar_stills`. The shipped net and those of the folds start from it."""


@dataclass(frozen=True)
class Faces:
    """Labelled faces: crops (N, S, S), points (N, 70, 2), rotations (N, 3, 3; NaN: unknown), weights for drawing."""

    crops: NDArray[np.uint8]
    points: NDArray[np.float32]
    turn: NDArray[np.float32]
    weight: NDArray[np.float64]


class Cache:
    """Faces and backgrounds for one stage; `data` is the folder with `incar_stills`."""

    def __init__(self, folder: Path, data: Path, stage: Stage) -> None:
        place = folds(data / "incar_stills")
        parts = [stills(folder, stage, place), *(made(folder, name, stage, place) for name in ("turned", "closed"))]
        self.crops = torch.from_numpy(np.concatenate([part.crops for part in parts]))
        self.points = torch.from_numpy(np.concatenate([part.points for part in parts]))
        self.turn = torch.from_numpy(np.concatenate([part.turn for part in parts]))
        self.weights = torch.from_numpy(np.concatenate([part.weight for part in parts]))
        person = np.load(folder / "backgrounds.npz")["person"]
        rows = np.flatnonzero([allowed(p, stage, place) for p in person])
        empty = np.load(folder / "backgrounds_crops.npy", mmap_mode="r")[rows]
        self.backgrounds = torch.from_numpy(np.ascontiguousarray(empty))


def allowed(person: str, stage: Stage, place: dict[str, int]) -> bool:
    """Return whether the net of this stage may learn from an in-car `person`."""
    return stage != "base" and may_teach(person, None if stage == "shipped" else int(stage), place)


def usable(table: Any, stage: Stage, place: dict[str, int]) -> NDArray[np.bool_]:
    """Return which stills may be learned from (N,): allowed persons, and a teacher that is sure."""
    inside = table["source"] == "incar"
    person = np.array([allowed(p, stage, place) for p in table["person"]])
    allow = np.where(inside, person, ~table["held_out"])
    return np.asarray(allow & (unsure(table) < MOST_UNSURE) & (table["score"] > 0.8), np.bool_)


def stills(folder: Path, stage: Stage, place: dict[str, int]) -> Faces:
    """Return the stills. Cars, closed eyes, yawns and turned heads are rare and important, so drawn more often."""
    table, turn = np.load(folder / "stills.npz"), np.load(folder / "stills_pose.npz")["turn"]
    rows = np.flatnonzero(usable(table, stage, place))
    points, ear = table["points"][rows], table["ear"][rows].mean(axis=1)
    yaw = np.nan_to_num(np.abs(np.degrees(np.arctan2(turn[rows, 0, 2], turn[rows, 2, 2]))))
    gap, wide = (np.linalg.norm(points[:, a] - points[:, b], axis=1) for a, b in ((62, 66), (48, 54)))
    weight = np.where(table["source"][rows] == "incar", 4.0, 1.0) * np.where(gap > 0.45 * wide, 3.0, 1.0)
    weight *= np.where(ear < 0.15, 5.0, np.where(ear < 0.2, 2.5, 1.0))
    weight *= np.where(yaw > 30, 4.0, np.where(yaw > 15, 2.0, 1.0))
    crops = np.load(folder / "stills_crops.npy", mmap_mode="r")[rows]
    return Faces(crops, points, turn[rows], weight)


def made(folder: Path, name: str, stage: Stage, place: dict[str, int]) -> Faces:
    """Return made-up faces: `name` is `turned` (heads) or `closed` (eyes). Drawn more often than plain stills."""
    table = np.load(folder / f"{name}.npz")
    inside = np.char.str_len(table["person"]) > 0
    if "source" in table.files:
        inside = table["source"] == "incar"
    rows = np.flatnonzero([not car or allowed(p, stage, place) for car, p in zip(inside, table["person"], strict=True)])
    crops = np.load(folder / f"{name}_crops.npy", mmap_mode="r")[rows]
    weight = np.where(eye_aspect_ratio(table["points"][rows]).mean(axis=1) < 0.15, 2.0, 1.2) * (
        2.0 if name == "turned" else 1.0
    )
    return Faces(crops, table["points"][rows], table["turn"][rows].astype(np.float32), weight)


def unsure(table: Any) -> NDArray[np.float64]:
    """Return the spread of the teacher's results in sizes of the face. (Eye distances get small in profile.)"""
    eyes = np.linalg.norm(table["points"][:, 36] - table["points"][:, 45], axis=1)
    return np.asarray(table["spread"] * eyes * 3.0)


def draw(cache: Cache, count: int, generator: torch.Generator) -> Tensor:
    """Return `count` rows of the cache, by weight."""
    return torch.multinomial(cache.weights, count, generator=generator)
