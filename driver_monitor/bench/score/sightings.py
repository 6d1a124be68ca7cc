"""Score the face, look-aways and yawns against labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from driver_monitor.bench.score.labels import CAMERA, ClipLabels, Mask, runs
from driver_monitor.bench.score.track import Angles, Track

LEAST_AWAY = 15.0
"""A direction needs at least this angle from the reference, degrees. Labels call 15 to 30 degrees marginal."""
SECTOR = 45.0
"""A direction agrees within this angle of the labelled one, degrees: "left" is a quarter of the circle."""
EDGE_FRAMES = 5
"""Accuracy of the labelled edges of yawns, in frames."""


@dataclass(frozen=True, slots=True)
class FaceScore:
    """Frames with the face `visible` and `present` (found); how often it was lost.

    `longest_gap_s`: longest time without the face. `found_again_s`: longest time from a loss until it was found again,
    None if that never happened.
    """

    visible: int
    present: int
    longest_gap_s: float
    losses: int
    found_again_s: float | None


@dataclass(frozen=True, slots=True)
class LookScore:
    """Frames labelled `look_away`: all, those in which head or gaze agrees, those in which both are unknown."""

    frames: int
    agreed: int
    unknown: int


@dataclass(frozen=True, slots=True)
class YawnScore:
    """Sure yawns `labelled` and `found`, and `false` ones; unsure labels are left out."""

    labelled: int
    found: int
    false: int


def score_face(labels: ClipLabels, track: Track) -> FaceScore:
    """Score in how many frames with a visible face it was found."""
    visible = ~labels.mask("face_not_visible")[track.frame]
    gaps = {rows: (rows[1] - rows[0] + 1) * track.stride / labels.fps for rows in runs(visible & ~track.face)}
    # "Found again" needs the face before and after the gap.
    again = [gap for (a, b), gap in gaps.items() if track.face[:a].any() and track.face[b + 1 : b + 2].any()]
    present, longest = int((visible & track.face).sum()), max(gaps.values(), default=0.0)
    return FaceScore(int(visible.sum()), present, longest, len(gaps), max(again, default=None))


def score_looks(labels: ClipLabels, track: Track) -> LookScore:
    """Compare head and gaze with the labelled directions. One of them must agree; unknown does not agree."""
    scored = ~labels.mask("uncertain_head", "face_not_visible")
    head = _from_reference(labels, track)
    frames = agreed = unknown = 0
    for event in labels.events:
        if event.type != "look_away" or event.towards is None:
            continue
        rows = np.flatnonzero((track.frame >= event.start) & (track.frame <= event.end) & scored[track.frame])
        same = _agree(head[rows], event.towards) | _agree(track.gaze[rows], event.towards)
        frames, agreed = frames + len(rows), agreed + int(same.sum())
        unknown += int((np.isnan(head[rows]).any(axis=1) & np.isnan(track.gaze[rows]).any(axis=1)).sum())
    return LookScore(frames, agreed, unknown)


def score_yawns(labels: ClipLabels, track: Track) -> YawnScore:
    """Compare yawns with labels. Unsure yawns, unsure mouths and mouths wide open are not scored."""
    sure = [event for event in labels.events if event.type == "yawn" and event.confidence != "low"]
    unsure = labels.mask("mouth_wide_open", "uncertain_mouth")
    for event in labels.events:
        if event.type == "yawn" and event.confidence == "low":
            unsure[event.start : event.end + 1] = True
    predicted = [(int(track.frame[first]), int(track.frame[last])) for first, last in runs(track.yawning)]
    near = [(event.start - EDGE_FRAMES, event.end + EDGE_FRAMES) for event in sure]
    found = sum(any(first <= end and start <= last for first, last in predicted) for start, end in near)
    false = sum(
        not any(first <= end and start <= last for start, end in near) and not unsure[first : last + 1].any()
        for first, last in predicted
    )
    return YawnScore(len(sure), found, false)


def _from_reference(labels: ClipLabels, track: Track) -> Angles:
    """Return the head's angles relative to the clip's reference: the camera, or the usual direction of the head."""
    if labels.look_away_reference == CAMERA:
        return track.head
    usual: Mask = ~labels.mask("look_away")[track.frame] & ~np.isnan(track.head).any(axis=1)
    return track.head - np.median(track.head[usual], axis=0) if usual.any() else track.head


def _agree(angles: Angles, towards: tuple[float, float]) -> Mask:
    """Return for each row whether it points `towards` a unit vector; NaN does not."""
    length = np.hypot(angles[:, 0], angles[:, 1])
    along = angles @ np.array(towards)
    return np.asarray((length >= LEAST_AWAY) & (along >= length * np.cos(np.radians(SECTOR)) - 1e-9), bool)
