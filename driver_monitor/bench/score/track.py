"""Record what the pipeline measures in a clip, frame by frame, as columns to compare with labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driver_monitor.app.pipeline import FrameResult, Pipeline
from driver_monitor.bench.replays.recording import frames_of
from driver_monitor.bench.replays.replay import OnProgress
from driver_monitor.capture.camera import Camera
from driver_monitor.data.driver_state import Gaze
from driver_monitor.data.observation import HeadPose

Mask = NDArray[np.bool_]
Angles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """What the pipeline measured in a clip: columns with one row per frame used.

    `stride`: N if every Nth frame was used. `frame`: number in the clip, in decoding order. `t`: seconds. `face`: seen.
    `closed`, `unknown`: the eyes. `gaze` from the learned straight ahead, `head` from the camera: (n, 2), yaw and pitch
    in degrees, NaN where unknown. `raised`: rule and time of each alert raised, without those that must stay local.
    """

    stride: int
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


def record_track(camera: Camera, pipeline: Pipeline, stride: int = 1, progress: OnProgress | None = None) -> Track:
    """Run all frames of `camera` through `pipeline`, which must be new. Return the track. `stride`: as in `Track`."""
    results: list[tuple[int, FrameResult]] = []
    for frame in frames_of(camera):
        # Only the result is kept: the pictures of a long clip would fill the memory.
        results.append((frame.sequence, pipeline.step(frame)))
        if progress is not None:
            progress(len(results), camera.frames)
    return track_of(results, stride)


def track_of(results: list[tuple[int, FrameResult]], stride: int = 1) -> Track:
    """Return the track. `results`: (frame number in the clip, result) of each frame. `stride`: as in `Track`."""
    states = [result.state for _, result in results]
    return Track(
        stride,
        np.array([number for number, _ in results], np.int64),
        np.array([state.t for state in states], np.float64),
        np.array([state.face is not None for state in states], bool),
        np.array([state.eyes.state == "closed" for state in states], bool),
        np.array([state.eyes.state == "unknown" for state in states], bool),
        np.array([_angles(state.gaze) for state in states], np.float64).reshape(-1, 2),
        np.array([_angles(state.head) for state in states], np.float64).reshape(-1, 2),
        np.array([state.mouth.yawning for state in states], bool),
        tuple(
            (event.rule, event.t)
            for _, result in results
            for event in result.verdict.events
            if event.phase == "raised" and not event.local
        ),
    )


def _angles(of: Gaze | HeadPose | None) -> tuple[float, float]:
    if of is None or of.yaw is None or of.pitch is None:
        return (math.nan, math.nan)
    return (of.yaw, of.pitch)
