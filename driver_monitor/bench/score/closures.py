"""Closed eyes against their labels: frames, closures, long false ones, and the share of time.

The definitions are told to users in docs/scores.md; figures by them can be held beside others' on the same clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from driver_monitor.bench.score.labels import ClipLabels, Mask, runs
from driver_monitor.bench.score.track import Track

NOT_SCORED = ("uncertain", "face_not_visible", "occluded", "one_eye_closed", "one_eye_squint", "partial_blink")
"""Labels under which an eye is neither open nor closed."""
NEAR_FRAMES = 2
"""A predicted and a labelled closure are the same if they overlap or lie this near, frames of the clip."""
LONG_S = 0.5
"""From this length on a false closure is a false long one: longer than any blink (0.1 to 0.4 s)."""
LONG_LABELLED = 0.2
"""It is false if less than this share of it is labelled closed."""

Span = tuple[int, int]
"""First and last frame of the clip, both inside."""


@dataclass(frozen=True, slots=True)
class EyeTruth:
    """For each frame of the clip: `closed`, `counted` (the eyes are scored at all), `scored` (and no edge beside)."""

    closed: Mask
    counted: Mask
    scored: Mask


@dataclass(frozen=True, slots=True)
class ClosureScore:
    """Counts of one clip.

    `hit`, `wrong`, `missed`: scored frames called closed rightly, called closed wrongly, and not called closed.
    `labelled`, `found`, `false`: closures. `share_error`: |predicted - labelled share of closed frames|, in points.
    `long`: false long closures, as frames of the clip; `long_while`: how many of them fell into talking or laughing,
    and into lowered lids.
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
    """Return the truth of every frame; the frame on each side of an edge of `eyes_closed` is not scored."""
    closed = labels.mask("eyes_closed")
    counted = ~labels.mask(*NOT_SCORED)
    scored = counted.copy()
    after = np.flatnonzero(closed[1:] != closed[:-1]) + 1
    scored[after] = scored[after - 1] = False
    return EyeTruth(closed, counted, scored)


def score_closures(labels: ClipLabels, track: Track) -> ClosureScore:
    """Hold `track` against `labels`; with every Nth frame used, only the frames used are scored."""
    truth = eye_truth(labels)
    closed, counted, scored = (mask[track.frame] for mask in (truth.closed, truth.counted, truth.scored))
    said = [(first, last) for first, last in runs(track.closed) if _counts(counted[first : last + 1])]
    predicted = [_in_clip(track, span) for span in said]
    # What matches need not count itself: an edge the labeller was unsure of makes a closure found neither missed nor
    # false. So read, MediaPipe's blendshapes miss 9 of the closures and add 1, as shared/ANCHORS.md has it.
    anything_said = [_in_clip(track, span) for span in runs(track.closed)]
    anything_labelled = runs(truth.closed)
    labelled = [span for span in anything_labelled if _counts(counted[_used(track, span)])]
    long = tuple(
        _in_clip(track, (first, last))
        for first, last in said
        if (last - first + 1) * track.every >= LONG_S * labels.fps
        and float(np.mean(closed[first : last + 1])) < LONG_LABELLED
    )
    return ClosureScore(
        scored=int(scored.sum()),
        unknown=int((scored & track.unknown).sum()),
        hit=int((scored & track.closed & closed).sum()),
        wrong=int((scored & track.closed & ~closed).sum()),
        missed=int((scored & ~track.closed & closed).sum()),
        labelled=len(labelled),
        found=sum(any(_same(one, other) for other in anything_said) for one in labelled),
        false=sum(not any(_same(one, other) for other in anything_labelled) for one in predicted),
        share_error=_share_error(track.closed[counted], closed[counted]),
        long=long,
        long_while={kind: _during(labels, long, kind) for kind in ("talking_or_laughing", "eyes_lowered")},
    )


def _used(track: Track, span: Span) -> slice:
    """Return the rows of `track` that lie in a span of the clip's frames."""
    return slice(*(int(row) for row in np.searchsorted(track.frame, (span[0], span[1] + 1))))


def _in_clip(track: Track, rows: Span) -> Span:
    return int(track.frame[rows[0]]), int(track.frame[rows[1]])


def _counts(counted: Mask) -> bool:
    """An event of which no frame is left, or more than half is not scored, does not count."""
    return bool(len(counted)) and 2 * int(counted.sum()) >= len(counted)


def _same(one: Span, other: Span) -> bool:
    return one[0] <= other[1] + NEAR_FRAMES and other[0] <= one[1] + NEAR_FRAMES


def _share_error(predicted: Mask, labelled: Mask) -> float | None:
    if not len(labelled):
        return None
    return 100.0 * abs(float(np.mean(predicted)) - float(np.mean(labelled)))


def _during(labels: ClipLabels, spans: tuple[Span, ...], kind: str) -> int:
    mask = labels.mask(kind)
    return sum(bool(mask[first : last + 1].any()) for first, last in spans)
