"""Render pairs of eyes of synthetic people with exact labels.

    python -m tools.synthetic.eyes --out ../tmp/synthetic --count 4000 --seed 1

Writes shards `eyes_<seed>_<number>.npz` of 100 pictures with the fields of `tools.eyes.data.Sample`, so that the
training reads them as its own, and with what only a renderer knows (`fields`). The same seed gives the same shards on
the same machine. A new start renders the shards that are missing. Needs the extra `synthetic` and the head of
`tools.synthetic.fetch`. About 0.23 s of one core for a picture.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tools.eyes.data import Sample, arrays_of
from tools.synthetic import CACHE
from tools.synthetic.people.head import Head
from tools.synthetic.people.person import Person, random_person
from tools.synthetic.pictures.raster import Renderer
from tools.synthetic.pictures.scene import Scene, random_scene
from tools.synthetic.shards import SOURCE
from tools.synthetic.studio import Shot, shoot

SHARD = 100
PER_PERSON = 2
"""Pictures of a person: one by day and one in infrared."""


def pictures(head: Head, renderer: Renderer, seed: int, numbers: range) -> list[tuple[Shot, Person, Scene]]:
    """Return the pictures of a seed with these numbers."""
    out: list[tuple[Shot, Person, Scene]] = []
    person = None
    for number in numbers:
        if person is None or number % PER_PERSON == 0:
            person = random_person(head, seed * 1_000_000 + number // PER_PERSON)
        out.append(_picture(head, renderer, person, seed, number))
    return out


def _picture(head: Head, renderer: Renderer, person: Person, seed: int, number: int) -> tuple[Shot, Person, Scene]:
    """Return one picture. A scene with an eye turned away from the camera is drawn anew."""
    attempt = 0
    while True:
        rng = np.random.default_rng([seed, number, attempt])
        scene = random_scene(rng, infrared=number % PER_PERSON == 1)
        shot = shoot(renderer, head, person, scene, rng)
        if shot is not None:
            return shot, person, scene
        attempt += 1


def fields(shots: list[tuple[Shot, Person, Scene]]) -> dict[str, np.ndarray]:
    """Return the labels that no photograph has, one row for each picture.

    `area`, `iris` (n, 2), right and left eye: visible eyeball over the eye's width squared; visible share of the iris.
    `gaze` (n, 2): yaw and pitch towards the camera, degrees. `head` (n, 3): yaw, pitch, roll towards the camera.
    `span`: pixels between the eyes before the strip was cut. `infrared`, `bright_pupil`. `skin`: 0 light to 1 dark.
    """
    return {
        "area": np.array([shot.labels.area for shot, _, _ in shots], np.float32),
        "iris": np.array([shot.labels.iris for shot, _, _ in shots], np.float32),
        "gaze": np.array([shot.labels.gaze for shot, _, _ in shots], np.float32),
        "head": np.array([scene.head for _, _, scene in shots], np.float32),
        "span": np.array([scene.span for _, _, scene in shots], np.float32),
        "infrared": np.array([scene.infrared for _, _, scene in shots]),
        "bright_pupil": np.array([scene.glow > 0 for _, _, scene in shots]),
        "skin": np.array([person.skin for _, person, _ in shots], np.float32),
    }


def sample(shot: Shot, person: Person, number: int) -> Sample:
    """Return a picture in the form of the training."""
    labels, worn = shot.labels, "glasses" if person.glasses else "none"
    return Sample(
        SOURCE, f"s{person.seed}", labels.label, shot.strip, labels.points.astype(np.float32), labels.ear, worn,
        picture=str(number),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=CACHE)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--head", type=Path, default=CACHE / "head.npz", help="the file of tools.synthetic.fetch")
    options = parser.parse_args()
    if not options.head.is_file():
        sys.exit(f"tools.synthetic.eyes: {options.head} is missing; run python -m tools.synthetic.fetch")
    cv2.setNumThreads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    head, renderer = Head(options.head), Renderer()
    for start in range(0, options.count, SHARD):
        path = options.out / f"eyes_{options.seed}_{start // SHARD:05d}.npz"
        if path.exists():
            continue
        began = time.process_time()
        numbers = range(start, min(start + SHARD, options.count))
        shots = pictures(head, renderer, options.seed, numbers)
        samples = [sample(shot, person, number) for (shot, person, _), number in zip(shots, numbers, strict=True)]
        arrays: dict[str, Any] = {**arrays_of(samples), **fields(shots)}
        part = path.with_name(f"part_{path.name}")
        np.savez_compressed(part, **arrays)
        part.rename(path)
        print(f"{path.name}: {(time.process_time() - began) / len(shots):.2f} s of one core a picture", flush=True)


if __name__ == "__main__":
    main()
