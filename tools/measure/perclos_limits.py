"""Measure what limits of PERCLOS find, and how often they are reached for nothing.

    python -m tools.measure.perclos_limits --traces FOLDER [--data ../shared/data]

`FOLDER` holds the traces of the labelled clips: `driver-monitor replay CLIP... --trace --out FOLDER`. Each clip is
played in a loop for a minute, because most are shorter than half a window. A clip is due at a limit if its labels reach
it: closures of more than 0.4 s over the scored time. It is found if the measured PERCLOS reaches the limit, and false
if only the measured one does. The recorded lids (`tools.measure.openness`) are one person. UTA-RLDD has neither times
nor lids, only how much longer than usual each blink was: a share of long blinks stands for PERCLOS there, and there is
no rate an hour. Intervals: bootstrap over people, exact for rates.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from driver_monitor.bench.score.intervals import LEVEL, Figure, bootstrap, bootstrap_ratio, poisson_rate
from driver_monitor.bench.score.labels import ClipLabels, load_labels, runs
from driver_monitor.bench.score.nets.eyes import Auc
from driver_monitor.data.observation import Observation
from driver_monitor.messages import trace, trace_reader
from driver_monitor.state.eyes.closure import BLINK_MAX_S
from driver_monitor.state.sleepiness.blink_features import LONG_Z
from driver_monitor.state.tracker import StateTracker
from tools import SHARED
from tools.drowsiness.blink_rows import load
from tools.measure.openness import observed

LIMITS = (0.075, 0.08, 0.12, 0.15)
"""Wierwille's lower band, the two settings of the field test, Wierwille's upper band (docs/clauses.md)."""
PLAYED_S = 60.0
"""Each clip is repeated until it has been played for so long: one window of PERCLOS."""
SHOWN = 0.02
"""Clips with a smaller PERCLOS, by labels and as measured, are not listed."""
NOT_SCORED = ("uncertain", "face_not_visible", "occluded", "one_eye_closed", "one_eye_squint", "partial_blink")
ASLEEP = ("long_blinks", "slow_blinks", "very_long_blinks")
"""Recordings of lids that fall as those of a sleepy person. The others are of an awake one."""
DURATION, ALERT, DROWSY = 2, 0, 2
"""Column of the blink's duration in UTA-RLDD, and two of its levels."""


@dataclass(frozen=True)
class Played:
    """One clip: PERCLOS by its labels and as measured (None: unknown), the seconds played, and those of the clip."""

    name: str
    person: str
    labelled: float
    measured: float | None
    seconds: float
    own_s: float


def labelled(labels: ClipLabels) -> float:
    """Return the share of the scored frames in closures that are longer than a blink."""
    scored = ~labels.mask(*NOT_SCORED)
    closed = labels.mask("eyes_closed")
    longest = BLINK_MAX_S * labels.fps
    long = sum(int(scored[a : b + 1].sum()) for a, b in runs(closed) if b + 1 - a > longest)
    return long / max(int(scored.sum()), 1)


def looped(seen: list[Observation], period_s: float) -> Iterator[Observation]:
    """Yield the observations again and again, until `PLAYED_S`."""
    round_s = seen[-1].t + period_s
    for lap in range(int(np.ceil(PLAYED_S / round_s))):
        yield from (replace(one, t=lap * round_s + one.t) for one in seen)


def highest(observations: Iterable[Observation]) -> tuple[float | None, float]:
    """Return the highest PERCLOS, None if it was always unknown, and the time of the last observation."""
    tracker, values, t = StateTracker(), [], 0.0
    for one in observations:
        state = tracker.update(one)
        t = state.t
        if state.perclos.value is not None:
            values.append(state.perclos.value)
    return max(values, default=None), t


def play(path: Path, labels: Path) -> Played:
    truth = load_labels(labels)
    seen = [one for _, one in trace_reader.read(path)[1]]
    measured, t = highest(looped(seen, 1 / truth.fps))
    return Played(labels.stem, truth.person, labelled(truth), measured, t, seen[-1].t)


def shown(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    ends = "" if figure.low is None or figure.high is None else f" ({figure.low:.2f} to {figure.high:.2f})"
    return f"{figure.value:.2f}{ends}"


def rate(count: int, hours: float) -> str:
    found = poisson_rate(count, hours)
    return f"{found.per_hour:.1f} ({found.low:.1f} to {found.high:.1f})"


def share(clips: list[Played], which: list[bool], among: list[bool]) -> str:
    """Return the share of clips in words. Of all or none, resampling shows no spread: the exact (binomial) one then."""
    count, of = sum(which), sum(among)
    if of and count in (0, of):
        widest = 1 - (1 - LEVEL) / 2
        end = (1 - widest) ** (1 / of)
        return f"1.00 ({end:.2f} to 1.00)" if count else f"0.00 (0.00 to {1 - end:.2f})"
    return shown(by_person(clips, which, among))


def by_person(clips: list[Played], numerator: list[bool], denominator: list[bool]) -> Figure:
    people = sorted({clip.person for clip in clips})
    rows = np.array([people.index(clip.person) for clip in clips])
    return bootstrap_ratio(counts(rows, np.array(numerator)), counts(rows, np.array(denominator)))


def counts(rows: NDArray[np.int64], of: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return (people,): how many of each person's rows are true in `of`. Both (n,); `rows`: number of the person."""
    return np.bincount(rows, of, int(rows.max()) + 1).astype(np.float64)


def clip_table(clips: list[Played]) -> None:
    """Print what the labelled clips show. A clip whose PERCLOS was never known is not found."""
    hours, minutes = sum(clip.seconds for clip in clips) / 3600, sum(clip.own_s for clip in clips) / 60
    people = len({clip.person for clip in clips})
    print(f"{len(clips)} clips, {people} people, {minutes:.1f} min, played for {hours:.2f} h")
    print(f"never known: {', '.join(clip.name for clip in clips if clip.measured is None) or 'none'}\n")
    print("| limit | due | found | recall | false | of all clips | false an hour |\n" + "| --- " * 7 + "|")
    for limit in LIMITS:
        due = [clip.labelled >= limit for clip in clips]
        told = [(clip.measured or 0.0) >= limit for clip in clips]
        found = [one and other for one, other in zip(due, told, strict=True)]
        false = [other and not one for one, other in zip(due, told, strict=True)]
        numbers = f"{sum(due)} | {sum(found)} | {share(clips, found, due)} | {sum(false)}"
        often = rate(sum(false), hours)
        print(f"| {100 * limit:g} % | {numbers} | {share(clips, false, [True] * len(clips))} | {often} |")
    print()
    for clip in clips:
        measured = clip.measured or 0.0
        if max(clip.labelled, measured) >= SHOWN:
            print(f"  {clip.name}: labelled {clip.labelled:.3f}, measured {measured:.3f}")


def lids_table(folder: Path) -> None:
    print("\n| recording | seconds | highest PERCLOS | limits reached |\n" + "| --- " * 4 + "|")
    awake_s, false = 0.0, dict.fromkeys(LIMITS, 0)
    for path in sorted(folder.glob("*.tsv.gz")):
        name = path.name.removeprefix("P1_").split(".")[0]
        value, t = highest(observed(path, 30.0))
        reached = [limit for limit in LIMITS if value is not None and value >= limit]
        if name not in ASLEEP:
            awake_s += t
            for limit in reached:
                false[limit] += 1
        words = ", ".join(f"{100 * limit:g} %" for limit in reached) or "none"
        print(f"| {name.replace('_', ' ')} | {t:.0f} | {'-' if value is None else f'{value:.3f}'} | {words} |")
    for limit, count in false.items():
        often = rate(count, awake_s / 3600)
        print(f"  {100 * limit:g} %: {count} false in {awake_s:.0f} s of awake lids, {often} an hour")


def blink_table(folder: Path) -> None:
    rows = load(folder)
    long = (rows.z[:, :, DURATION] > LONG_Z).mean(1)
    people, which = np.unique(rows.person, return_inverse=True)
    awake, drowsy = rows.level == ALERT, rows.level == DROWSY
    clear = awake | drowsy

    def part(of: NDArray[np.bool_], limit: float) -> Figure:
        return bootstrap_ratio(counts(which, of & (long >= limit)), counts(which, of))

    print(f"\n{len(long)} rows of 30 blinks, {int(drowsy.sum())} of them drowsy, {len(people)} people\n")
    print("| share of long blinks | drowsy rows that reach it | awake rows that reach it |\n" + "| --- " * 3 + "|")
    for limit in LIMITS:
        print(f"| {100 * limit:g} % | {shown(part(drowsy, limit))} | {shown(part(awake, limit))} |")
    area = Auc(long[clear], drowsy[clear])
    print(f"\nAUC awake against drowsy: {shown(bootstrap(len(people), lambda times: area(times[which][clear])))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--traces", type=Path, required=True, help="folder with the traces of the labelled clips")
    parser.add_argument("--data", type=Path, default=SHARED / "data")
    options = parser.parse_args()
    labels = {path.stem: path for name in ("labels", "labels2") for path in (options.data / name).glob("*.json")}
    found = sorted(options.traces.rglob(trace.NAME))
    clip_table([play(path, labels[path.parent.name]) for path in found if path.parent.name in labels])
    lids_table(options.data / "openness")
    blink_table(options.data / "drowsiness")


if __name__ == "__main__":
    main()
