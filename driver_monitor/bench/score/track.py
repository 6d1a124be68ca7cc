"""What the pipeline said of a clip, frame by frame, in the few columns that labels can be held against."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driver_monitor.app.pipeline import FrameResult, Pipeline
from driver_monitor.bench.replay import frames_of
from driver_monitor.capture.camera import Camera
from driver_monitor.data.driver_state import Gaze
from driver_monitor.data.observation import HeadPose

Mask = NDArray[np.bool_]
Angles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One row a frame that was used. Angles (n, 2): yaw and pitch in degrees, NaN where unknown.

    `frame`: its number in the clip, as decoded; `t`: seconds; `every`: each how manieth frame was used. `gaze` counts
    from the learned straight-ahead, `head` from the camera. `raised`: rule and time of each alert raised that
    may leave the machine.
    """

    every: int
    frame: NDArray[np.int64]
    t: NDArray[np.float64]
    face: Mask
    closed: Mask
    unknown: Mask
    gaze: Angles
    head: Angles
    yawning: Mask
    raised: tuple[tuple[str, float], ...] = ()

    def __len__(self) -> int:
        return len(self.frame)


def track(
    camera: Camera, pipeline: Pipeline, every: int = 1, progress: Callable[[int, int | None], None] | None = None
) -> Track:
    """Run what `camera` gives through a fresh `pipeline`; `progress` is told frames done and in all, if known."""
    steps: list[tuple[int, FrameResult]] = []
    for frame in frames_of(camera):
        # Only what is concluded is kept: pictures of a long clip would fill the memory.
        steps.append((frame.sequence, pipeline.step(frame)))
        if progress is not None:
            progress(len(steps), camera.frames)
    return track_of(steps, every)


def track_of(steps: list[tuple[int, FrameResult]], every: int = 1) -> Track:
    """Return the track of these frames, each with its number in the clip."""
    states = [step.state for _, step in steps]
    return Track(
        every,
        np.array([number for number, _ in steps], np.int64),
        np.array([state.t for state in states], np.float64),
        np.array([state.face is not None for state in states], bool),
        np.array([state.eyes.state == "closed" for state in states], bool),
        np.array([state.eyes.state == "unknown" for state in states], bool),
        np.array([_angles(state.gaze) for state in states], np.float64).reshape(-1, 2),
        np.array([_angles(state.head) for state in states], np.float64).reshape(-1, 2),
        np.array([state.mouth.yawning for state in states], bool),
        tuple(
            (event.rule, event.t)
            for _, step in steps
            for event in step.verdict.events
            if event.phase == "raised" and not event.local
        ),
    )


def _angles(of: Gaze | HeadPose | None) -> tuple[float, float]:
    if of is None or of.yaw is None or of.pitch is None:
        return (math.nan, math.nan)
    return (of.yaw, of.pitch)
