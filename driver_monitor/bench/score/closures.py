"""Score closed eyes against labels: frames, closures, false long closures, closed share. Defined in docs/scores.md."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from driver_monitor.bench.score.labels import ClipLabels, Mask, runs
from driver_monitor.bench.score.track import Track

NOT_SCORED = ("uncertain", "face_not_visible", "occluded", "one_eye_closed", "one_eye_squint", "partial_blink")
"""Labels of frames in which the eyes count neither as open nor as closed."""
NEAR_FRAMES = 2
"""A predicted and a labelled closure match if they overlap or are at most this many frames of the clip apart."""
LONG_S = 0.5
"""A long predicted closure has at least this length: more than any blink (0.1 to 0.4 s)."""
LONG_LABELLED = 0.2
"""A long predicted closure is false if less than this share of its frames is labelled closed."""

Span = tuple[int, int]
"""First and last frame of the clip, both included."""


@dataclass(frozen=True, slots=True)
class EyeTruth:
    """What the labels say of the eyes: one value per frame of the clip.

    `closed`: labelled closed. `counted`: looked at, without a `NOT_SCORED` label. `scored`: counted, not at an edge of
    `closed`.
    """

    closed: Mask
    counted: Mask
    scored: Mask


@dataclass(frozen=True, slots=True)
class ClosureScore:
    """Counts for the eyes in one clip. Closures count if at least half of their frames are counted (`EyeTruth`).

    `scored`: scored frames. Of these, `unknown`: eyes unknown; `hit`: predicted and labelled closed; `wrong`: only
    predicted; `missed`: only labelled. `labelled`: labelled closures. `found`: of these, with a match. `false`:
    predicted closures without a match. `share_error`: |predicted - labelled share of closed frames|, in percentage
    points, None without counted frames. `long`: spans of the false long closures. `long_while`: label -> how many of
    these overlap this label: talking or laughing, lowered lids.
    """

    scored: int
    unknown: int
    hit: int
    wrong: int
    missed: int
    labelled: int
    found: int
    false: int
    share_error: float | None
    long: tuple[Span, ...]
    long_while: dict[str, int]


def eye_truth(labels: ClipLabels) -> EyeTruth:
    """Return what the labels say of the eyes. The frames on both sides of an edge of `eyes_closed` are not scored."""
    closed = labels.mask("eyes_closed")
    counted = ~labels.mask(*NOT_SCORED) & labels.seen
    scored = counted.copy()
    after = np.flatnonzero(closed[1:] != closed[:-1]) + 1
    scored[after] = scored[after - 1] = False
    return EyeTruth(closed, counted, scored)


def score_closures(labels: ClipLabels, track: Track) -> ClosureScore:
    """Compare the eyes in `track` with `labels`. Only the frames in `track` are scored: with `every` N, every Nth.

    Where `labels.blinks` is not "complete", the frames of a short predicted closure without a match are not scored.
    """
    truth = eye_truth(labels)
    closed, counted, scored = (mask[track.frame] for mask in (truth.closed, truth.counted, truth.scored))
    for rows_unlabelled in _unlabelled_blinks(labels, track, runs(truth.closed)):
        counted[rows_unlabelled] = scored[rows_unlabelled] = False
    rows = [(first, last) for first, last in runs(track.closed) if counts(counted[first : last + 1])]
    predicted = [_in_clip(track, span) for span in rows]
    # A match need not count itself: a closure found at an edge the labeller was unsure of is neither missed nor false.
    # With this rule MediaPipe's blendshapes miss 9 of the closures and add 1, as shared/ANCHORS.md has it.
    all_predicted = [_in_clip(track, span) for span in runs(track.closed)]
    all_labelled = runs(truth.closed)
    labelled = [span for span in all_labelled if counts(counted[rows_in(track, span)])]
    long = tuple(
        _in_clip(track, (first, last))
        for first, last in rows
        if _long(labels, track, (first, last)) and float(np.mean(closed[first : last + 1])) < LONG_LABELLED
    )
    shares = track.closed[counted], closed[counted]
    masks = {kind: labels.mask(kind) for kind in ("talking_or_laughing", "eyes_lowered")}
    return ClosureScore(
        scored=int(scored.sum()),
        unknown=int((scored & track.unknown).sum()),
        hit=int((scored & track.closed & closed).sum()),
        wrong=int((scored & track.closed & ~closed).sum()),
        missed=int((scored & ~track.closed & closed).sum()),
        labelled=len(labelled),
        found=sum(any(_match(one, other) for other in all_predicted) for one in labelled),
        false=sum(not any(_match(one, other) for other in all_labelled) for one in predicted),
        share_error=100.0 * abs(float(np.mean(shares[0]) - np.mean(shares[1]))) if counted.any() else None,
        long=long,
        long_while={kind: sum(bool(mask[a : b + 1].any()) for a, b in long) for kind, mask in masks.items()},
    )


def _unlabelled_blinks(labels: ClipLabels, track: Track, labelled: list[Span]) -> list[slice]:
    """Return the rows of short predicted closures that nobody labelled, where not all blinks are labelled."""
    if labels.blinks == "complete":
        return []
    return [
        slice(rows[0], rows[1] + 1)
        for rows in runs(track.closed)
        if not _long(labels, track, rows) and not any(_match(_in_clip(track, rows), other) for other in labelled)
    ]


def _long(labels: ClipLabels, track: Track, rows: Span) -> bool:
    return (rows[1] - rows[0] + 1) * track.stride >= LONG_S * labels.fps


def rows_in(track: Track, span: Span) -> slice:
    """Return the rows of `track` in a span of frames of the clip."""
    return slice(*(int(row) for row in np.searchsorted(track.frame, (span[0], span[1] + 1))))


def _in_clip(track: Track, rows: Span) -> Span:
    return int(track.frame[rows[0]]), int(track.frame[rows[1]])


def counts(counted: Mask) -> bool:
    """Return whether an event is counted: it has frames, and at least half of them are `counted`."""
    return bool(len(counted)) and 2 * int(counted.sum()) >= len(counted)


def _match(one: Span, other: Span) -> bool:
    return one[0] <= other[1] + NEAR_FRAMES and other[0] <= one[1] + NEAR_FRAMES
