"""Cut the eyes out of labelled clips, as the daemon cuts them, and keep them in one file for each clip.

Only frames that teach or measure are kept: closed and lowered eyes, and open ones in between. Frames that `score clips`
does not score are left out, and so are the frames beside an edge of a closure. The
files hold pictures of people's eyes. They lie beside the clips, so that whoever deletes the clips finds them.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from driver_monitor.app import build
from driver_monitor.app.build import Plan
from driver_monitor.bench.replays.recording import digest, frames_of, open_recording
from driver_monitor.bench.score.clip import ScoreJob
from driver_monitor.bench.score.closures import eye_truth
from driver_monitor.bench.score.labels import ClipLabels, Mask, runs
from driver_monitor.data.observation import FaceView
from driver_monitor.errors import LabelError, OutputError
from driver_monitor.imaging.frame import Image
from driver_monitor.imaging.ibug import Side
from driver_monitor.perception.eyes.patch import eye_crops
from driver_monitor.perception.eyes.reader import INSIDE
from driver_monitor.perception.eyes.unreadable import turned_away
from driver_monitor.perception.face.driver_seat import DriverSeat
from driver_monitor.perception.face.tracker import FaceTracker
from tools.eyes.data import strip_of
from tools.training.columns import rows_of

FOLDER = "eye-crops"
"""The folder of the files, in the folder of the clips."""
OPEN, LOWERED, CLOSED = "open", "lowered", "closed"
OPEN_EVERY_S = 0.2
"""Open eyes change little from frame to frame: five frames a second are enough (ours)."""
MOST = 600
"""Largest number of frames of one state in one clip. More of the same eyes teach nothing new (ours)."""
NEAR_EDGE = 2
"""More frames beside an edge of open and lowered eyes that are not used. `eye_truth` leaves out the first already."""
SIDES: tuple[Side, Side] = ("left", "right")
_VERSION = "1"


@dataclass(frozen=True)
class EyeCrops:
    """The eyes of n frames of one clip.

    `frame`: number in the clip. `state`: open, lowered or closed. `event`: number of the labelled stretch that
    the frame belongs to. `patches` (n, 2, 32, 48) and `bands` (n, 2, 32, 64): what the net gets for the left and the
    right eye. `readable` (n, 2): not turned away and inside the picture. `strips` (n, 88, 168) and `points` (n, 70, 2):
    as in `tools.eyes.data`.
    """

    frame: NDArray[np.int64]
    state: NDArray[np.str_]
    event: NDArray[np.int64]
    patches: NDArray[np.uint8]
    bands: NDArray[np.uint8]
    readable: NDArray[np.bool_]
    strips: NDArray[np.uint8]
    points: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.frame)

    def of(self, rows: NDArray[np.bool_]) -> EyeCrops:
        """Return the crops of some rows."""
        return rows_of(self, rows)


def wanted_frames(labels: ClipLabels) -> tuple[NDArray[np.int64], NDArray[np.str_], NDArray[np.int64]]:
    """Return which frames of a clip are used, their states, and the number of the stretch that each belongs to."""
    truth = eye_truth(labels)
    lowered = labels.mask("eyes_lowered")
    scored = truth.scored & ~labels.mask("blink")
    masks: dict[str, Mask] = {
        CLOSED: truth.scored & truth.closed,
        LOWERED: scored & ~truth.closed & lowered,
        OPEN: scored & ~truth.closed & ~lowered,
    }
    frames: list[int] = []
    states: list[str] = []
    events: list[int] = []
    stretch = 0
    for state, mask in masks.items():
        usual = max(1, round(OPEN_EVERY_S * labels.fps)) if state == OPEN else 1
        step = max(usual, -(-int(mask.sum()) // MOST))
        edge = 0 if state == CLOSED else NEAR_EDGE
        for first, last in runs(mask):
            inner = range(first + edge, last + 1 - edge, step)
            frames += inner
            states += [state] * len(inner)
            events += [stretch] * len(inner)
            stretch += 1
    order = np.argsort(frames, kind="stable")
    return np.array(frames, np.int64)[order], np.array(states, "<U7")[order], np.array(events, np.int64)[order]


def crops_of(job: ScoreJob, plan: Plan, folder: Path, said: Callable[[str], None]) -> EyeCrops:
    """Return the eyes of a labelled clip, from the file in `folder` if nothing has changed since it was written.

    Raises `DriverMonitorError`: clip or models unreadable, labels that do not fit, a folder that cannot be written.
    """
    models = build.load_models(plan.config)
    texts = (_VERSION, digest(job.clip), models.digest, job.labels.model_dump_json())
    key = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    path = folder / f"{job.clip.name}.{key[:16]}.npz"
    if path.exists():
        return read_crops(path)
    said(f"{job.clip.name}: finding the eyes")
    crops = _cut(job, plan)
    write_crops(crops, path)
    return crops


def _cut(job: ScoreJob, plan: Plan) -> EyeCrops:
    frame, state, event = wanted_frames(job.labels)
    place = {int(number): index for index, number in enumerate(frame)}
    models, config = build.load_models(plan.config), plan.config
    face = FaceTracker(models.detector, models.landmarks, config.face.search_hz, DriverSeat(config.camera.driver_side))
    rows: list[int] = []
    cuts = []
    count = 0
    with open_recording(job.clip, plan.config.camera) as camera:
        for one in frames_of(camera):
            count += 1
            seen = face.update(one.grey, one.t)
            index = place.get(one.sequence)
            cut = None if index is None or seen is None else cut_eyes(one.grey, seen)
            if index is not None and cut is not None:
                rows.append(index)
                cuts.append(cut)
    if count != job.labels.frames:
        raise LabelError(
            f"{job.file}: frames: {job.labels.frames} are labelled, but {job.clip} has {count}; use the clip that was "
            "labelled, uncut"
        )
    if not cuts:
        raise LabelError(f"{job.clip}: no face in a labelled frame; aim the camera at the driver's face")
    return EyeCrops(frame[rows], state[rows], event[rows], *(np.stack(column) for column in zip(*cuts, strict=True)))


def cut_eyes(grey: Image, face: FaceView) -> tuple[NDArray[np.generic], ...] | None:
    """Return patches, bands, readable, strip and points of the eyes of a face, None where the eyes are too small."""
    patches, inside, bands = eye_crops(grey, face.points)
    strip = strip_of(grey, face.points)
    readable = np.array([turned_away(side, face.head) is None for side in SIDES]) & (np.array(inside) >= INSIDE)
    return None if strip is None else (patches, bands, readable, *strip)


def read_crops(path: Path) -> EyeCrops:
    try:
        with np.load(path) as arrays:
            return EyeCrops(*(arrays[field.name] for field in fields(EyeCrops)))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise LabelError(f"{path}: damaged; delete it: it is made again") from error


def write_crops(crops: EyeCrops, path: Path) -> None:
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            np.savez_compressed(file, **{field.name: getattr(crops, field.name) for field in fields(crops)})
        beside.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path.parent}: cannot keep the eyes here: {error.strerror}; give a folder with --work"
        ) from error
