"""Alerts against their labels: raised in time where one is due, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from driver_monitor.bench.score.closures import eye_truth
from driver_monitor.bench.score.labels import ClipLabels, Mask, runs
from driver_monitor.bench.score.track import Track
from driver_monitor.state.eyes.perclos import WINDOW_S as PERCLOS_S

LATE_S = 0.5
"""An alert is in time up to so long after it was due: a frame or two, and the flicker the eyelid logic waits out."""


@dataclass(frozen=True, slots=True)
class AlarmScore:
    """One rule in one clip.

    `due`: labelled stretches long enough; `in_time`: those with the alert in time. Of the alerts `raised`, `false`
    are those of whose time before less than half is labelled so, and `unscored` those of whose time before more than
    half is not scored.
    """

    due: int
    in_time: int
    raised: int
    false: int
    unscored: int


def score_alarms(labels: ClipLabels, track: Track) -> dict[str, AlarmScore]:
    """Return the scores of the rules that rest on one labelled thing for a time (rules/profiles/default.yaml).

    Nobody is labelled sleepy: clips are too short to tell, and `drowsiness` is false wherever it is raised.
    """
    eyes = eye_truth(labels)
    away = labels.mask("look_away")
    head = ~labels.mask("look_away_marginal", "uncertain_head", "face_not_visible") | away
    rules = {
        "microsleep": (1.0, eyes.closed, eyes.counted),
        "sleep": (3.0, eyes.closed, eyes.counted),
        "long_distraction": (3.0, away, head),
        "drowsiness": (PERCLOS_S, np.zeros_like(away), np.ones_like(away)),
    }
    return {rule: _score(labels, track, rule, *rest) for rule, rest in rules.items()}


def _score(labels: ClipLabels, track: Track, rule: str, after_s: float, so: Mask, scored: Mask) -> AlarmScore:
    raised = [t for name, t in track.raised if name == rule]
    due = [
        _time(labels, track, first)
        for first, last in runs(so)
        if last - first + 1 >= after_s * labels.fps and 2 * scored[first : last + 1].sum() >= last - first + 1
    ]
    in_time = sum(any(start <= t <= start + after_s + LATE_S for t in raised) for start in due)
    false = unscored = 0
    for t in raised:
        rows = (track.t > t - after_s) & (track.t <= t)
        labelled, known = so[track.frame[rows]], scored[track.frame[rows]]
        if 2 * known.sum() < len(known):
            unscored += 1
        elif 2 * (labelled & known).sum() < known.sum():
            false += 1
    return AlarmScore(len(due), in_time, len(raised), false, unscored)


def _time(labels: ClipLabels, track: Track, frame: int) -> float:
    """Return when a frame of the clip was, by the clip's own stamps where it was used."""
    row = int(np.searchsorted(track.frame, frame))
    if row < len(track) and track.frame[row] == frame:
        return float(track.t[row])
    return frame / labels.fps
