"""The differences between two runs of one clip: alerts, signals and, with labels, scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.compare.episodes import (
    KINDS,
    MOVED_S,
    AlertDifference,
    AlertEpisode,
    differences,
    episodes_of,
    told_by,
)
from driver_monitor.bench.compare.frames import (
    SIGNALS,
    CommonFrames,
    SignalDifference,
    common_frames,
    same_signals,
    signal_differences,
)
from driver_monitor.bench.compare.pairs import RunPair
from driver_monitor.bench.compare.rule_changes import changed_rules
from driver_monitor.bench.labelled.label_files import ClipLabelFile
from driver_monitor.bench.runs.frame_columns import FrameColumns, read_columns
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.bench.runs.scored_rules import rules_of
from driver_monitor.bench.score.alerts import alert_truth, judged_alerts
from driver_monitor.bench.score.clip import ClipScore
from driver_monitor.bench.score.run_track import score_run, track_of_run
from driver_monitor.errors import LabelError, RunError

Meaning = Literal["new false alert", "missed", "false alert gone", "found"]
MEANINGS: Mapping[tuple[str, bool], Meaning] = {
    ("only in B", False): "new false alert",
    ("only in A", True): "missed",
    ("only in A", False): "false alert gone",
    ("only in B", True): "found",
}
"""What an alert that only one run has means for B, by whether it is right by the labels."""
WORSE: tuple[Meaning, ...] = ("new false alert", "missed")
LEAST_WINDOW_S = 6.0
"""At least so many seconds before an alert are searched for its reason: the longest limit of a look or a closure in the
shipped profiles (`unresponsive`)."""
WORDS = {"eyes.state": "eyes differ", "gaze.zone": "gaze differs", "face.present": "face differs"}
"""The fields of a line that alerts rest on, and what a reason says if they differ."""

BY_WEIGHT = ("attention", "eyes.state", "gaze.zone", "face.present")
"""The compared fields in the order in which they decide which clips differ most."""


@dataclass(frozen=True, slots=True)
class JudgedDifference:
    """A difference between alerts. `reason`: what differs in the frames before it. `meaning`: by the labels, if any.

    `told`: the alert of the other run that tells the driver the same, in place of a meaning; empty: none.
    """

    alert: AlertDifference
    reason: str
    meaning: Meaning | None = None
    told: str = ""

    @property
    def verdict(self) -> str:
        """The meaning, or who tells the driver the same; empty: neither is known."""
        return f"told by {self.told}" if self.told else self.meaning or ""

    def to_json(self) -> dict[str, Any]:
        """Return the difference as a JSON object."""
        a, b = (None if one is None else one.to_json() for one in (self.alert.a, self.alert.b))
        moved = {"moved_s": self.alert.moved_s, "reason": self.reason, "meaning": self.meaning}
        moved["told_by"] = self.told or None
        return {"kind": self.alert.kind, "a": a, "b": b, **moved}


@dataclass(frozen=True, slots=True)
class PairDifference:
    """All differences between two runs of a clip. `episodes`: rule -> number of alerts, of A and of B.

    `same_signals`: the lines of both are equal, byte for byte. `signals`: see `SIGNALS`. `scores`: of A and B; None
    without labels. `unscored`: why there are no scores although there are labels; None: no such fault.
    """

    name: str
    clip: str
    a: Path
    b: Path
    notes: tuple[str, ...]
    episodes: tuple[Mapping[str, int], Mapping[str, int]]
    alerts: tuple[JudgedDifference, ...]
    same_signals: bool
    signals: Mapping[str, SignalDifference]
    scores: tuple[ClipScore, ClipScore] | None = None
    unscored: str | None = None

    @property
    def same(self) -> bool:
        """Whether nothing differs: neither alerts, nor the compared fields, nor the number of frames."""
        frames = {signal.left_out for signal in self.signals.values()}
        return (
            not self.alerts and not self.notes and frames <= {0} and not any(self.different(name) for name in SIGNALS)
        )

    def different(self, signal: str) -> int:
        """Return in how many frames a field of `SIGNALS` differs."""
        return self.signals[signal].different if signal in self.signals else 0

    def seconds(self, signal: str) -> float:
        """Return for how long a field of `SIGNALS` differs."""
        return self.signals[signal].seconds if signal in self.signals else 0.0

    @property
    def weight(self) -> tuple[float, ...]:
        """How much the runs differ: by labels worse alerts, alerts by kind, seconds of attention, eyes, gaze, face."""
        kinds = [one.alert.kind for one in self.alerts]
        alone = sum(kind in KINDS[:3] for kind in kinds)
        worse = sum(one.meaning in WORSE for one in self.alerts)
        return (worse, alone, len(kinds), *(self.signals[name].seconds for name in BY_WEIGHT))


def compare_pair(pair: RunPair, moved_s: float = MOVED_S, labels: ClipLabelFile | None = None) -> PairDifference:
    """Compare two runs. It holds the columns of both, and nothing of them afterwards.

    A run that cannot be scored, or labels of another clip, only cost the scores. Raises `RunError`: a file is damaged.
    """
    episodes = episodes_of(pair.a), episodes_of(pair.b)
    found = differences(*episodes, moved_s)
    same = same_signals(pair)
    common, scores, unscored = None, None, None
    meanings = dict[AlertDifference, Meaning | None]()
    if labels is not None or not same:
        a = read_columns(pair.a)
        b = a if same else read_columns(pair.b)
        common = None if same else common_frames(a, b)
        if labels is not None:
            try:
                (score_a, judged_a), (score_b, judged_b) = _scored(pair.a, labels, a), _scored(pair.b, labels, b)
            except (LabelError, RunError) as error:
                unscored = str(error)
            else:
                scores = score_a, score_b
                meanings = {one: _meaning(one, judged_a, judged_b) for one in found}
    return PairDifference(
        pair.name,
        str(pair.b.info["clip"]),
        pair.a.folder,
        pair.b.folder,
        pair.notes,
        (Counter(one.rule for one in episodes[0]), Counter(one.rule for one in episodes[1])),
        tuple(
            _judged(one, _reason(one, common, changed_rules(pair, one)), meanings.get(one), episodes) for one in found
        ),
        same,
        _no_difference(pair) if common is None else signal_differences(common),
        scores,
        unscored,
    )


def _judged(
    one: AlertDifference, reason: str, meaning: Meaning | None, episodes: tuple[Sequence[AlertEpisode], ...]
) -> JudgedDifference:
    """Return a difference with what it means. A new false alert stays one, whatever A says at this time."""
    told = ""
    if one.kind in ("only in A", "only in B") and meaning != "new false alert":
        told = told_by(one.episode, episodes[1 if one.b is None else 0])
    return JudgedDifference(one, reason, None if told else meaning, told)


def _no_difference(pair: RunPair) -> dict[str, SignalDifference]:
    frames = pair.b.info.get("frames")
    return dict.fromkeys(SIGNALS, SignalDifference(frames if isinstance(frames, int) else 0))


Judged = Mapping[tuple[str, float], bool | None]
"""Rule and time of an alert -> whether it is right; None: not judged."""


def _scored(run: Run, labels: ClipLabelFile, columns: FrameColumns) -> tuple[ClipScore, Judged]:
    truth, track = alert_truth(labels.labels), track_of_run(run, columns)
    scored = [rule for rule in rules_of(run) if rule.causes]
    return score_run(run, labels.file, labels.labels, track), {
        (rule.id, t): right for rule in scored for t, right in judged_alerts(truth, track, rule)
    }


def _meaning(difference: AlertDifference, a: Judged, b: Judged) -> Meaning | None:
    episode = difference.episode
    right = (b if difference.a is None else a).get((episode.rule, episode.t))
    return None if right is None else MEANINGS.get((difference.kind, right))


def _reason(difference: AlertDifference, common: CommonFrames | None, rules: str) -> str:
    """Return what differs in the frames before an alert: eyes, gaze or face, or none of these; then `rules`."""
    if common is None:
        return f"the signals are the same: {rules or 'rules or settings differ'}"
    episodes = [one for one in (difference.a, difference.b) if one is not None]
    end = max(one.t for one in episodes)
    window = max(LEAST_WINDOW_S, *(one.window_s for one in episodes))
    rows = (common.t > end - window) & (common.t <= end + 1e-9)
    counts = {name: int(common.differs(name)[rows].sum()) for name in WORDS}
    if not any(counts.values()):
        return f"eyes, gaze, face agree in the {window:.0f} s before: {rules or 'rules or finer values differ'}"
    frames = ", ".join(
        f"{WORDS[name]} in {count} of {int(rows.sum())} frames ({_usual(common, name, rows)})"
        for name, count in counts.items()
        if count
    )
    return f"in the {window:.0f} s before, {frames}" + (f"; {rules}" if rules else "")


def _usual(common: CommonFrames, name: str, rows: NDArray[np.bool_]) -> str:
    """Return the two values that most of the differing frames in `rows` have."""
    different = rows & common.differs(name)
    a, b = (column[different].tolist() for column in common.values[name])
    return " in A, ".join(Counter(zip(a, b, strict=True)).most_common(1)[0][0]) + " in B"
