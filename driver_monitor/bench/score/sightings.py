"""Score the face, look-aways and yawns against labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from driver_monitor.bench.score.closures import Span, counts
from driver_monitor.bench.score.labels import CAMERA, ClipLabels, Mask, runs
from driver_monitor.bench.score.track import Angles, Track

LEAST_AWAY = 15.0
"""Head or gaze agrees only if at least this far from its reference, degrees. Labels call 15 to 30 degrees marginal."""
SECTOR = 45.0
"""Head or gaze agrees within this angle of the labelled direction, degrees: "left" is a quarter of the circle."""
EDGE_FRAMES = 5
"""A found yawn may be this many frames before or after the labelled one: the accuracy of the labelled edges."""


@dataclass(frozen=True, slots=True)
class FaceScore:
    """Number of frames with the face `visible` by the labels, and of these, with the face found (`present`).

    A gap is a run of visible frames without a found face. `losses`: number of gaps. `longest_gap_s`: 0 without a gap.
    `found_again_s`: longest gap with the face found at any time before and directly after, None without one.
    """

    visible: int
    present: int
    longest_gap_s: float
    losses: int
    found_again_s: float | None


@dataclass(frozen=True, slots=True)
class LookScore:
    """Number of scored `frames` of look-aways labelled with direction. Head or gaze `agreed`, or both are `unknown`."""

    frames: int
    agreed: int
    unknown: int


@dataclass(frozen=True, slots=True)
class YawnScore:
    """Number of sure yawns `labelled`, and of these, `found`. `false`: yawns found away from sure and unsure labels."""

    labelled: int
    found: int
    false: int


def score_face(labels: ClipLabels, track: Track) -> FaceScore:
    """Compare the frames in which the face was found with those in which it is visible by the labels."""
    visible = (~labels.mask("face_not_visible") & labels.seen)[track.frame]
    gaps = {rows: (rows[1] - rows[0] + 1) * track.stride / labels.fps for rows in runs(visible & ~track.face)}
    # "Found again" needs the face before and after the gap.
    again = [gap for (a, b), gap in gaps.items() if track.face[:a].any() and track.face[b + 1 : b + 2].any()]
    present, longest = int((visible & track.face).sum()), max(gaps.values(), default=0.0)
    return FaceScore(int(visible.sum()), present, longest, len(gaps), max(again, default=None))


def score_looks(labels: ClipLabels, track: Track) -> LookScore:
    """Compare head and gaze with labelled look-aways; one must agree. Unsure heads and invisible faces are left out.

    A frame counts once. In overlapping look-aways, one of their directions must agree.
    """
    scored = (~labels.mask("uncertain_head", "face_not_visible") & labels.seen)[track.frame]
    head = _from_reference(labels, track)
    away, agreed = np.zeros(len(track), bool), np.zeros(len(track), bool)
    for event in labels.events:
        if event.type == "look_away" and event.towards is not None:
            rows = scored & (track.frame >= event.start) & (track.frame <= event.end)
            away |= rows
            agreed |= rows & (_agree(head, event.towards) | _agree(track.gaze, event.towards))
    unknown = away & np.isnan(head).any(axis=1) & np.isnan(track.gaze).any(axis=1)
    return LookScore(int(away.sum()), int(agreed.sum()), int(unknown.sum()))


def score_yawns(labels: ClipLabels, track: Track) -> YawnScore:
    """Compare yawns with labels. A yawn found at an unsure yawn, unsure mouth or mouth wide open is not false."""
    sure = sure_yawns(labels)
    unsure = labels.mask("mouth_wide_open", "uncertain_mouth") | ~labels.seen
    for event in labels.events:
        if event.type == "yawn" and event.confidence == "low":
            unsure[event.start : event.end + 1] = True
    predicted = _predicted_yawns(track)
    near = _with_edges(sure)
    false = sum(
        not any(first <= end and start <= last for start, end in near) and not unsure[first : last + 1].any()
        for first, last in predicted
    )
    return YawnScore(len(sure), found_yawns(sure, track), false)


def sure_yawns(labels: ClipLabels) -> list[Span]:
    """Return first and last frame of each labelled yawn that the labeller was sure of, if half of it was looked at."""
    seen = labels.seen
    yawns = [one for one in labels.events if one.type == "yawn" and one.confidence != "low"]
    return [(one.start, one.end) for one in yawns if counts(seen[one.start : one.end + 1])]


def found_yawns(labelled: list[Span], track: Track) -> int:
    """Return how many of the `labelled` yawns overlap a yawn in `track`, or are at most `EDGE_FRAMES` away from one."""
    predicted = _predicted_yawns(track)
    return sum(any(first <= end and start <= last for first, last in predicted) for start, end in _with_edges(labelled))


def _predicted_yawns(track: Track) -> list[Span]:
    return [(int(track.frame[first]), int(track.frame[last])) for first, last in runs(track.yawning)]


def _with_edges(spans: list[Span]) -> list[Span]:
    return [(start - EDGE_FRAMES, end + EDGE_FRAMES) for start, end in spans]


def _from_reference(labels: ClipLabels, track: Track) -> Angles:
    """Return the head's angles from the labels' reference: the camera, else the head's median outside `look_away`."""
    if labels.look_away_reference == CAMERA:
        return track.head
    usual: Mask = ~labels.mask("look_away")[track.frame] & ~np.isnan(track.head).any(axis=1)
    return track.head - np.median(track.head[usual], axis=0) if usual.any() else track.head


def _agree(angles: Angles, towards: tuple[float, float]) -> Mask:
    """Return for each row whether it points `towards` a unit vector; NaN does not."""
    length = np.hypot(angles[:, 0], angles[:, 1])
    along = angles @ np.array(towards)
    return np.asarray((length >= LEAST_AWAY) & (along >= length * np.cos(np.radians(SECTOR)) - 1e-9), bool)
