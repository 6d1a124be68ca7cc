"""Replay many harmless variants of labelled clips, and count those that give the right alerts and no wrong one.

    python -m tools.measure.variants [--share 0.1] [--jobs 2] [--seed 0] [--out training/variants] [--fresh]
    python -m tools.measure.variants --loop 36 --clips phone_3

A variant starts up to a second later, drops frames, has another container, codec, size, light, or is mirrored
(`tools.measure.variant_clips`). What is right comes from the labels. A look away of three seconds needs a long
distraction, and a closure a microsleep or sleep, if they are long enough beyond the limit for the labels' precision.
The alert of eyes closed or lowered is right where the clip as it is raises it. An alert is wrong if the labels show
something else for most of its time. Variants in time alone run on the trace of the clip. The others are written to a
temporary folder and go through the nets once; `--out` keeps their traces. So a run that is stopped goes on where it
was, and state and rules that have changed are measured again in minutes.
`--loop`: the trace of each clip that many times in a row, with the time stamps of four containers.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from driver_monitor import demo
from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.bench.replays.recording import frames_of, open_recording
from driver_monitor.data.observation import Observation
from driver_monitor.messages import trace, trace_reader
from tools.measure import variant_clips
from tools.measure.variant_clips import Variant

CLIPS = ("phone_1", "phone_2", "phone_3", "incar_3", "incar_4", "demo")
EITHER = "eyes_closed_or_lowered"
LIMITS = {"long_distraction": 3.0, "microsleep": 1.0, "sleep": 3.0, EITHER: 3.0}
"""Rule -> seconds before its alert."""
PRECISION_S = {"long_distraction": 0.25, "microsleep": 0.15, "sleep": 0.15, EITHER: 0.25}
"""Seconds by which a labelled event may be shorter: five frames of a look away, one on each side of a closure and one
of the variant (shared labels: "good to about five frames", "good to one frame")."""
JOINED = 2
"""Frames between two labelled looks away that make one."""
LATE_S = 0.6
"""An alert this long after the end of its event still belongs to it: two periods of 8 frames a second, a saccade."""
GRIDS = {"mp4": None, "mkv": 1e-3, "ts": 1 / 90000, "webm": 1e-3}
"""Container -> the step in seconds to which it rounds times; None: exact."""

Span = tuple[float, float]
Alert = tuple[str, float, str | None]
"""Rule, time in the clip, and side of the look-away."""


@dataclass(frozen=True)
class Truth:
    """The labels of a clip, in seconds. `sides`: the driver's side of each look away, None if there are several."""

    fps: float
    frames: int
    looks: tuple[Span, ...]
    sides: tuple[str | None, ...]
    closures: tuple[Span, ...]
    lowered: tuple[Span, ...]
    yawned: tuple[Span, ...]
    unsure: dict[str, tuple[Span, ...]]

    def wanted(self, start: float) -> list[tuple[str, Span, str | None]]:
        """Return the alerts that must come if the clip begins at `start`: rule, span of the event, side.

        Labels do not say where `EITHER` must come.
        """
        found = []
        for rule, limit_s in LIMITS.items():
            if rule == EITHER:
                continue
            spans = self.looks if rule == "long_distraction" else self.closures
            sides = self.sides if rule == "long_distraction" else (None,) * len(spans)
            for (begin, end), side in zip(spans, sides, strict=True):
                long_enough = end - max(begin, start) >= limit_s + PRECISION_S[rule]
                # Closed eyes during a yawn are no sleep by the rules; the labels do not decide it.
                if long_enough and not any(_shared(one, (begin, end)) for one in self.yawned):
                    found.append((rule, (begin, end), side))
        return found

    def supports(self, alert: Alert) -> bool:
        """Return whether the labels support an alert: half of its time is labelled so, or is unsure."""
        rule, t, _ = alert
        kind = "look" if rule == "long_distraction" else "closure"
        spans = self.looks if kind == "look" else self.closures
        if rule == EITHER:
            spans = (*spans, *self.lowered)
        window = (t - LIMITS[rule], t)
        own, unsure = (_total(window, some) / LIMITS[rule] for some in (spans, self.unsure[kind]))
        return own >= 0.5 or unsure >= 0.5 or _total(window, (*spans, *self.unsure[kind])) / LIMITS[rule] >= 0.6


def _shared(one: Span, other: Span) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def _total(window: Span, spans: Iterable[Span]) -> float:
    return sum(_shared(window, span) for span in spans)


def read_truth(path: Path) -> Truth:
    """Read the labels of a clip."""
    labels = json.loads(path.read_text())
    fps, events = float(labels["fps"]), labels["events"]

    def spans(*kinds: str) -> tuple[Span, ...]:
        return tuple((e["start"] / fps, (e["end"] + 1) / fps) for e in events if e["type"] in kinds)

    looks: list[Span] = []
    sides: list[set[str]] = []
    for event in sorted((e for e in events if e["type"] == "look_away"), key=lambda e: e["start"]):
        span = (event["start"] / fps, (event["end"] + 1) / fps)
        if looks and span[0] - looks[-1][1] <= JOINED / fps:
            looks[-1] = looks[-1][0], span[1]
        else:
            looks.append(span)
            sides.append(set())
        sides[-1].add(_side(event.get("direction") or ""))
    return Truth(
        fps, labels["frames"], tuple(looks), tuple(one.pop() if len(one) == 1 else None for one in sides),
        spans("eyes_closed"), spans("eyes_lowered"), spans("yawn"),
        {
            "look": spans("look_away_marginal", "uncertain_head", "face_not_visible"),
            "closure": spans("uncertain", "face_not_visible", "occluded"),
        },
    )  # fmt: skip


def _side(direction: str) -> str:
    """Return the driver's side of a direction in the picture. The camera faces the driver."""
    return next((side for word, side in (("left", "right"), ("right", "left")) if word in direction), direction)


@dataclass(frozen=True)
class Job:
    """One clip and one variant, or, with `rounds`, a loop with the times of a `container`.

    `traced`: the trace of the clip as it is. `kept`: where that of the variant is, or is written.
    """

    clip: Path
    labels: Path
    traced: Path
    kept: Path
    variant: Variant
    rounds: int = 1

    @property
    def key(self) -> str:
        """Name of the job."""
        return f"{self.clip.stem}: {self.variant.name}"


@lru_cache(maxsize=1)
def _plan() -> Any:
    plan = build.load_plan(Request())
    return plan, build.load_models(plan.config)


def alerts(observations: Iterable[Observation]) -> list[Alert]:
    """Return the raised alerts of `LIMITS` with state and rules alone."""
    pipeline = build.build_pipeline(_plan()[0], None)
    results = (pipeline.conclude(one) for one in observations)
    return [
        (event.rule, result.observation.t, result.state.gaze.away.side)
        for result in results
        for event in result.verdict.events
        if event.phase == "raised" and event.rule in LIMITS
    ]


def through_nets(clip: Path) -> Iterator[Observation]:
    """Yield the observations of a clip, from the pictures."""
    plan, models = _plan()
    pipeline = build.build_pipeline(plan, models)
    with open_recording(clip, plan.config.camera) as camera:
        for frame in frames_of(camera):
            yield pipeline.step(frame).observation


def run(job: Job) -> dict[str, Any]:
    """Replay one variant. Return clip, variant, missing and wrong alerts."""
    truth, variant = read_truth(job.labels), job.variant
    numbers = variant.frames(truth.frames, truth.fps)
    start = numbers[0] / truth.fps
    original = _traced(job.traced)
    either = [alert for alert in alerts(original) if alert[0] == EITHER]
    if variant.only_time or variant.name == "as it is":
        found = alerts(
            replace(original[n], t=original[n].t - original[numbers[0]].t) for n in numbers if n < len(original)
        )
    else:
        if not job.kept.exists():
            with tempfile.TemporaryDirectory(prefix="variant-") as folder:
                path = Path(folder) / f"variant.{variant.container}"
                variant_clips.write(job.clip, variant, numbers, truth.fps, path)
                _write_trace(path, job.kept)
        found = alerts(_read_trace(job.kept))
    found = [(rule, t + start, side) for rule, t, side in found]
    return {"clip": job.clip.stem, "variant": variant.name, **judge(truth, found, start, variant.mirrored, either)}


def judge(
    truth: Truth, found: list[Alert], start: float, mirrored: bool, either: Sequence[Alert] = ()
) -> dict[str, list[str]]:
    """Compare alerts with the labels. Return texts of the missing and the wrong ones.

    `either`: the alerts of the rule `EITHER` in the clip as it is. A microsleep or sleep in their place says more.
    """
    missing, other = [], {"left": "right", "right": "left"}
    for rule, (begin, end), side in truth.wanted(start):
        wanted = other.get(side or "", side) if mirrored else side
        own = [alert for alert in found if alert[0] == rule and begin < alert[1] <= end + LATE_S]
        if not own:
            missing.append(f"{rule} {begin:.2f}")
        elif wanted in other and own[0][2] not in (wanted, None):
            missing.append(f"{rule} {begin:.2f} to the {wanted}, not {own[0][2]}")
    for rule, t, _ in either:
        begins_later = start > t - LIMITS[rule] - PRECISION_S[rule]
        if not begins_later and not any(_says_as_much(alert, t) for alert in found):
            missing.append(f"{rule} {t:.2f}")
    unknown = [
        alert
        for alert in found
        if not truth.supports(alert) and not any(_says_as_much(alert, t) for _, t, _ in either if alert[0] == EITHER)
    ]
    return {"missing": missing, "wrong": [f"{rule} {t:.2f}" for rule, t, _ in unknown]}


def _says_as_much(alert: Alert, t: float) -> bool:
    """Return whether an alert comes in the place of one of `EITHER` at `t`."""
    rule, at, _ = alert
    if rule == EITHER:
        return abs(at - t) <= LATE_S
    return rule in ("microsleep", "sleep") and t - LIMITS[EITHER] <= at <= t + LATE_S


@lru_cache(maxsize=1)
def _traced(path: Path) -> list[Observation]:
    return _read_trace(path)


def _read_trace(path: Path) -> list[Observation]:
    return [observation for _, observation in trace_reader.read(path)[1]]


def run_loop(job: Job) -> dict[str, Any]:
    """Run the trace of a clip `rounds` times with the times of a container. Return the number of long distractions."""
    seen = _traced(job.traced)
    round_s, grid = len(seen) / read_truth(job.labels).fps, GRIDS[job.variant.container]
    times = ((one, lap * round_s + one.t) for lap in range(job.rounds) for one in seen)
    film = (replace(one, t=t if grid is None else round(t / grid) * grid) for one, t in times)
    count = sum(rule == "long_distraction" for rule, *_ in alerts(film))
    return {"clip": job.clip.stem, "variant": job.variant.container, "rounds": job.rounds, "long_distractions": count}


def _write_trace(clip: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with gzip.open(unfinished, "wt") as file:
        file.write(trace.line(trace.Header("", "").to_json()))
        for number, observation in enumerate(through_nets(clip)):
            file.write(trace.line(trace.encode(number, observation)))
    unfinished.replace(path)


def jobs(options: argparse.Namespace) -> list[Job]:
    """Return the jobs of all clips, a random `--share` of them. The traces of the clips are written if missing."""
    made = []
    for name in options.clips:
        found = [demo.CLIP] if name == "demo" else sorted(options.data.glob(f"clips/{name}.*"))
        if not found:
            raise SystemExit(
                f"{options.data}/clips/{name}: no such clip; give the folder of clips and labels with --data"
            )
        labels = demo.CLIP.with_suffix(".json") if name == "demo" else options.data / "labels" / f"{name}.json"
        traced = options.out / f"{name}{trace.SUFFIX}"
        if not traced.exists():
            _write_trace(found[0], traced)
        if options.loop:
            kinds = [Variant(kind, container=kind) for kind in GRIDS]
        else:
            kinds = variant_clips.variants(read_truth(labels).fps, options.seed)
        folder = options.out / f"{name}-{options.seed}"
        made += [
            Job(found[0], labels, traced, folder / f"{kind.name}{trace.SUFFIX}", kind, options.loop or 1)
            for kind in kinds
        ]
    chosen = [
        job for job in made if options.loop or random.Random(f"{options.seed} {job.key}").random() < options.share
    ]
    # A run that is stopped has then seen some variants of each clip.
    random.Random(options.seed).shuffle(chosen)
    return chosen


def report(results: list[dict[str, Any]]) -> str:
    """Return a table with a line for each clip, and the variants with a missing or a wrong alert."""
    lines = [f"{one['clip']}, {one['variant']}: missing {one['missing']}, wrong {one['wrong']}"
             for one in results if one["missing"] or one["wrong"]]  # fmt: skip
    count = Counter(one["clip"] for one in results)
    for clip in [*count, "all"]:
        own = [one for one in results if clip in ("all", one["clip"])]
        right, wrong = sum(not one["missing"] for one in own), sum(bool(one["wrong"]) for one in own)
        lines.append(
            f"{clip:<10} {len(own):4} variants, {right / len(own):7.1%} with all right alerts, {wrong} with a wrong one"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", nargs="+", default=list(CLIPS))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with clips/ and labels/")
    parser.add_argument("--out", type=Path, default=Path("training/variants"), help="folder for the traces")
    parser.add_argument("--share", type=float, default=1.0, help="share of the variants to run")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--loop", type=int, default=0, help="run each clip so often in a row instead")
    parser.add_argument("--fresh", action="store_true", help="forget the traces of earlier runs")
    options = parser.parse_args()
    if options.fresh:
        for path in options.out.rglob(f"*{trace.SUFFIX}"):
            path.unlink()
    options.out.mkdir(parents=True, exist_ok=True)
    chosen = jobs(options)
    if options.loop:
        for job in chosen:
            print(json.dumps(run_loop(job)))
        return
    with ProcessPoolExecutor(options.jobs) as pool:
        results = pool.map(run, chosen)
        print(report(sorted(results, key=lambda one: options.clips.index(one["clip"]))))


if __name__ == "__main__":
    main()
