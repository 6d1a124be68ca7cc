"""Face, looks away and yawns against their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from driver_monitor.bench.score.labels import (
    CAMERA,
    ClipLabels,
    Mask,
    runs,
)
from driver_monitor.bench.score.track import Angles, Track

LEAST_AWAY = 15.0
"""Degrees from the reference below which a direction is none: labels call 15 to 30 marginal, more a look away."""
SECTOR = 45.0
"""Degrees by which a direction may miss the labelled one and still be called the same: left is a quarter of all."""
EDGE_FRAMES = 5
"""Edges of yawns are good to about so many frames."""


@dataclass(frozen=True, slots=True)
class FaceScore:
    """`present` of the `visible` frames; the longest stretch without the face, and the longest until it was found
    again after a loss, seconds; None where it was never lost, or never found again."""

    visible: int
    present: int
    longest_gap_s: float
    losses: int
    found_again_s: float | None


@dataclass(frozen=True, slots=True)
class LookScore:
    """Frames labelled `look_away`: how many, in how many head or gaze agrees, in how many neither is known."""

    frames: int
    agreed: int
    unknown: int


@dataclass(frozen=True, slots=True)
class YawnScore:
    """Sure yawns labelled and found, and yawns told where none is labelled (unsure mouths left out)."""

    labelled: int
    found: int
    false: int


def score_face(labels: ClipLabels, track: Track) -> FaceScore:
    """Hold the presence of the face against the frames in which it is visible."""
    visible = ~labels.mask("face_not_visible")[track.frame]
    lost = visible & ~track.face
    lengths = [_lasts(labels, track, span) for span in runs(lost)]
    # Only a face that was there before and is there afterwards was found again.
    again = [
        _lasts(labels, track, span)
        for span in runs(lost)
        if track.face[: span[0]].any() and span[1] + 1 < len(track) and track.face[span[1] + 1]
    ]
    present = int((visible & track.face).sum())
    longest = max(again, default=None)
    return FaceScore(int(visible.sum()), present, max(lengths, default=0.0), len(lengths), longest)


def score_looks(labels: ClipLabels, track: Track) -> LookScore:
    """Hold head and gaze against the labelled directions; either may agree, and what is unknown does not."""
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
    """Hold told yawns against labelled ones; unsure yawns and mouths, and mouths wide open, are not scored."""
    sure = [event for event in labels.events if event.type == "yawn" and event.sure]
    doubtful = labels.mask("mouth_wide_open", "uncertain_mouth")
    for event in labels.events:
        if event.type == "yawn" and not event.sure:
            doubtful[event.start : event.end + 1] = True
    told = [(int(track.frame[first]), int(track.frame[last])) for first, last in runs(track.yawning)]
    near = [(event.start - EDGE_FRAMES, event.end + EDGE_FRAMES) for event in sure]
    found = sum(any(first <= end and start <= last for first, last in told) for start, end in near)
    false = [
        (first, last)
        for first, last in told
        if not any(first <= end and start <= last for start, end in near) and not doubtful[first : last + 1].any()
    ]
    return YawnScore(len(sure), found, len(false))


def _lasts(labels: ClipLabels, track: Track, rows: tuple[int, int]) -> float:
    return (rows[1] - rows[0] + 1) * track.every / labels.fps


def _from_reference(labels: ClipLabels, track: Track) -> Angles:
    """Return the head's angles from the clip's reference: the camera, or where the head usually points."""
    if labels.look_away_reference == CAMERA:
        return track.head
    usual: Mask = ~labels.mask("look_away")[track.frame] & ~np.isnan(track.head).any(axis=1)
    return track.head - np.median(track.head[usual], axis=0) if usual.any() else track.head


def _agree(angles: Angles, towards: tuple[float, float]) -> Mask:
    """Return for each row whether it points `towards`; NaN points nowhere."""
    length = np.hypot(angles[:, 0], angles[:, 1])
    along = angles @ np.array(towards)
    return np.asarray((length >= LEAST_AWAY) & (along >= length * np.cos(np.radians(SECTOR)) - 1e-9), bool)
