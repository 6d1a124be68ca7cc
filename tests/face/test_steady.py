"""Landmarks that stand still on a still face, and lids that are never late."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.data.observation import HeadPose
from driver_monitor.imaging.ibug import LEFT_EYE, RIGHT_EYE
from driver_monitor.perception.face.smoothing import FaceSmoother
from tests.mean_face import MEAN_FACE

FPS = 30.0
FACE = np.asarray(MEAN_FACE[:, :2] * [100, -100] + [320, 240], np.float32)
PAIRS = ((37, 41), (38, 40), (43, 47), (44, 46))


def gaps(points: np.ndarray) -> np.ndarray:
    return np.array([points[a] - points[b] for a, b in PAIRS])


def noisy(frames: int, sigma: float = 1.0) -> np.ndarray:
    return FACE + np.random.default_rng(7).normal(0, sigma, (frames, 70, 2)).astype(np.float32)


def test_ok__a_still_face_trembles_less_than_half_as_much() -> None:
    steady, seen = FaceSmoother(), noisy(90, 0.3)
    calm = np.array([steady.points(i / FPS, points) for i, points in enumerate(seen)])
    lids = [index for eye in (LEFT_EYE, RIGHT_EYE) for index in eye]
    others = [index for index in range(70) if index not in lids]
    assert calm[30:, others].std(axis=0).mean() < 0.5 * seen[30:, others].std(axis=0).mean()


@given(st.integers(1, 40), st.sampled_from([10.0, 15.0, 30.0]))
def test_ok__the_lids_are_as_far_apart_as_they_were_seen_in_every_frame(frames: int, fps: float) -> None:
    steady = FaceSmoother()
    for index, points in enumerate(noisy(frames, 4.0)):
        assert gaps(steady.points(index / fps, points)) == pytest.approx(gaps(points), abs=1e-3)


def test_ok__a_head_that_moves_is_followed_at_once() -> None:
    """A quick lean, half a face's width in a fifth of a second: never more than a tenth of an eye distance late."""
    steady = FaceSmoother()
    for index in range(40):
        shift = 60 * np.clip((index - 20) / 6, 0, 1)
        points = FACE + np.array([shift, 0], np.float32)
        off = np.linalg.norm(steady.points(index / FPS, points) - points, axis=1).max()
        assert off < 0.1 * np.linalg.norm(FACE[36] - FACE[45])


def test_ok__a_face_twice_as_near_is_filtered_alike() -> None:
    near, far = FaceSmoother(), FaceSmoother()
    for index, points in enumerate(noisy(30)):
        t = index / FPS
        assert near.points(t, 2 * points) == pytest.approx(2 * far.points(t, points), abs=1e-2)


def test_ok__the_heads_angles_are_calmed_and_a_lost_pose_is_not_bridged() -> None:
    steady, rng = FaceSmoother(), np.random.default_rng(3)
    seen = [HeadPose(*angles) for angles in rng.normal((20, -5, 2), 0.4, (90, 3))]
    calm = [steady.head(index / FPS, head) for index, head in enumerate(seen)]
    yaws = np.array([[head.yaw, quiet.yaw] for head, quiet in zip(seen, calm, strict=True) if quiet is not None])
    assert yaws[30:, 1].std() < 0.6 * yaws[30:, 0].std()
    assert steady.head(3.0, None) is None
    elsewhere = HeadPose(-60.0, 0.0, 0.0)
    assert steady.head(3.1, elsewhere) == elsewhere


def test_ok__another_face_starts_anew() -> None:
    steady = FaceSmoother()
    steady.points(0.0, FACE)
    steady.head(0.0, HeadPose(40.0, 0.0, 0.0))
    steady.reset()
    assert steady.points(0.1, FACE + np.float32(100)) == pytest.approx(FACE + 100)
    assert steady.head(0.1, HeadPose(0.0, 0.0, 0.0)) == HeadPose(0.0, 0.0, 0.0)
