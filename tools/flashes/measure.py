"""Measure how many flashes are found, and how often the net looks. Prints the figures of models/emotion.md.

    python -m tools.flashes.measure --shared ../shared [--pairs 40] [--seed 1] [--no-clips]

A flash is an expression of 0.2 to 0.45 s. It is made from two pictures of a person, with about the same direction of
the head: two portraits, or two frames of a clip. The second expression is shown as weakly as the net still sees it.
Half of the flashes appear at once, half within `RAMP_S`. Face tracker, net, schedule and expression tracker are those
of the daemon. The looks of a second are counted on these films and on all labelled clips, once with looks at even
times and once with the daemon's schedule. So is the time that both take, and the strength from which an expression
is seen: how intense it is when the net sees it.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.data.observation import Observation
from driver_monitor.imaging.frame import Image
from driver_monitor.perception.expression.look_schedule import LookSchedule
from driver_monitor.state.expression.expression_tracker import ExpressionTracker
from driver_monitor.timing.cadence import Cadence
from driver_monitor.timing.periodic import PeriodicTimer
from tools import SHARED
from tools.flashes.morph import RAMP_S, Flash, Morph, film
from tools.flashes.pairs import CLEAR, Eyes, Pair, best, clip_pairs, portrait_pairs, probability

STRENGTHS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SHORT_S, LONG_S = 0.2, 0.45
FIRST_S, EVERY_S, FLASHES = 3.0, 3.0, 2
"""When the first flash may begin, when the following ones, and how many there are in a film."""
LATEST_S, EARLY_S = 1.0, 0.1
"""A flash must be reported within the first after its end. It may be seen to end so much earlier: while it fades."""


@dataclass(frozen=True, eq=False)
class Film:
    """What the net would see in each frame of a film, and its flashes. `strength`: of the expression, 0 to 1."""

    pair: Pair
    strength: float
    ramp_s: float
    flashes: Sequence[Flash]
    seen: Sequence[Observation]


class Schedule(Protocol):
    """Decides at which frames the net looks: `LookSchedule`, or `Even`."""

    def due(self, t: float, points: NDArray[np.float32], /) -> bool:
        """Return whether a look is due at `t`, seconds."""

    def saw(self, shown: str, /) -> None:
        """Take the most probable expression of the look."""


class Even:
    """Looks at even times: `rate_hz` times a second."""

    def __init__(self, rate_hz: float) -> None:
        self._timer = PeriodicTimer(1 / rate_hz)

    def due(self, t: float, _points: NDArray[np.float32], /) -> bool:
        """Return whether a look is due at `t`, seconds."""
        return self._timer.due(t)

    def saw(self, _shown: str, /) -> None:
        """Do nothing: what is shown does not matter."""


def filmed(eyes: Eyes, pair: Pair, number: int, seed: int) -> Film | None:
    """Return the film of a pair, None if the net does not see the morphed faces clearly when they stand still."""
    morph = Morph(pair.neutral, pair.other)
    if probability(eyes.still(_grey(morph, 0.0)), "neutral") < CLEAR:
        return None
    strength = next((s for s in STRENGTHS if probability(eyes.still(_grey(morph, s)), pair.shown) >= CLEAR), None)
    if strength is None:
        return None
    random = np.random.default_rng((seed, number))
    starts = [FIRST_S + EVERY_S * i + random.uniform(0, 1) for i in range(FLASHES)]
    flashes = [Flash(start, start + random.uniform(SHORT_S, LONG_S)) for start in starts]
    ramp_s = RAMP_S if number % 2 else 0.0
    frames = film(morph.weakened(strength), flashes, FIRST_S + EVERY_S * FLASHES, (seed, number), ramp_s)
    return Film(pair, strength, ramp_s, flashes, eyes.film(frames))


def _grey(morph: Morph, strength: float) -> Image:
    return np.clip(morph.picture(strength), 0, 255).astype(np.uint8)


@dataclass
class Played:
    """What a schedule makes of frames. `told`: when a flash was first reported, seconds, and its class.

    `due_s`: how long each decision took, seconds.
    """

    looks: int
    told: list[tuple[float, str]]
    due_s: list[float]


def play(seen: Sequence[Observation], schedule: Schedule) -> Played:
    """Look at a film as `schedule` says, and track the expression as the daemon does."""
    tracker, cadence, last = ExpressionTracker(), Cadence(), None
    played = Played(0, [], [])
    for observation in seen:
        step = cadence.step(observation.t)
        if step is None:
            continue
        expression = observation.expression
        if expression is not None and not _due(schedule, observation, played):
            expression = None
        if expression is not None:
            played.looks += 1
            schedule.saw(best(expression)[0])
        state = tracker.update(step, "day", expression, observation.face is not None)
        flash = state.flash if state is not None else None
        if flash is not None and flash != last:
            played.told.append((step.t, flash))
        last = flash
    return played


def _due(schedule: Schedule, seen: Observation, played: Played) -> bool:
    assert seen.face is not None
    began = time.perf_counter()
    due = schedule.due(seen.t, seen.face.points)
    played.due_s.append(time.perf_counter() - began)
    return due


@dataclass
class Cost:
    """Sums over films. `ms_a_frame`: of looks and decisions, if each decision takes the median time."""

    look_s: float
    seconds: float = 0.0
    frames: int = 0
    looks: int = 0
    due_s: list[float] = field(default_factory=list)

    def add(self, played: Played, seen: Sequence[Observation]) -> None:
        """Count one film."""
        self.seconds += seen[-1].t - seen[0].t + 1 / 30
        self.frames += len(seen)
        self.looks += played.looks
        self.due_s += played.due_s

    def __str__(self) -> str:
        due_s = len(self.due_s) * float(np.median(self.due_s))
        ms = 1e3 * (self.looks * self.look_s + due_s) / self.frames
        decisions = 1e3 * due_s / self.frames
        return f"{self.looks / self.seconds:.2f} looks a second, {ms:.3f} ms a frame (decisions {decisions:.3f})"


def report_films(films: Sequence[Film], name: str, schedule: Callable[[], Schedule], look_s: float) -> None:
    """Print the share of flashes found, and what it costs."""
    found, total, wrong, cost = Counter[str](), Counter[str](), 0, Cost(look_s)
    for one in films:
        played = play(one.seen, schedule())
        cost.add(played, one.seen)
        for flash in one.flashes:
            hit = any(what == one.pair.shown and -EARLY_S <= t - flash.end <= LATEST_S for t, what in played.told)
            length = "under 0.3 s" if flash.end - flash.start < 0.3 else "0.3 s and more"
            for key in ("all", length, one.pair.shown, one.pair.source, "ramp" if one.ramp_s else "at once"):
                total[key] += 1
                found[key] += hit
        wrong += sum(what != one.pair.shown for _, what in played.told)
    shares = ", ".join(f"{key} {found[key]}/{total[key]}" for key in total)
    print(f"{name}: found {shares}; another class {wrong}; {cost}")


def report_clips(clips: dict[str, list[Observation]], rate_hz: float, look_s: float) -> None:
    """Print the looks a second and the flashes of each clip: at even times, and as the daemon looks."""
    costs, told = (Cost(look_s), Cost(look_s)), [0, 0]
    for name, seen in clips.items():
        both = [play(seen, Even(rate_hz)), play(seen, LookSchedule(rate_hz))]
        seconds = seen[-1].t - seen[0].t + 1 / 30
        for i, played in enumerate(both):
            costs[i].add(played, seen)
            told[i] += len(played.told)
        rates = "".join(f"{played.looks / seconds:6.1f}" for played in both)
        print(f"  {name:<28}{rates}{len(both[0].told):5}{len(both[1].told):5}")
    for name, cost, flashes in zip(("at even times", "as the daemon looks"), costs, told, strict=True):
        print(f"clips, {cost.seconds:.0f} s, {name}: {cost}; {flashes} flashes")


def report_strengths(films: Sequence[Film]) -> None:
    """Print from which strength on each expression is seen."""
    of = defaultdict[str, list[float]](list)
    for one in films:
        of[one.pair.shown].append(one.strength)
    for name, strengths in sorted(of.items()):
        low, high, median = min(strengths), max(strengths), float(np.median(strengths))
        print(f"{name}: seen from {low} to {high}, median {median:.2f}, of {len(strengths)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--pairs", type=int, default=40, help="most pairs of each source")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--clips", action=argparse.BooleanOptionalAction, default=True, help="also clips, not portraits only"
    )
    options = parser.parse_args()
    eyes, data = Eyes(), options.shared / "data"
    rate_hz = build.load_plan(Request()).config.emotion.rate_hz
    folders = ("clips", "clips2") if options.clips else ()
    paths = [path for folder in folders for path in sorted((data / folder).iterdir())]
    clips = {path.name: eyes.film(eyes.clip(path)) for path in paths}
    of_clips = itertools.chain.from_iterable(clip_pairs(eyes, path, clips[path.name]) for path in paths)
    pairs = [*itertools.islice(of_clips, options.pairs), *itertools.islice(portrait_pairs(eyes, data), options.pairs)]
    tried = [filmed(eyes, pair, number, options.seed) for number, pair in enumerate(pairs)]
    films = [one for one in tried if one is not None]
    print(f"{len(films)} films of {len(pairs)} pairs")
    report_strengths(films)
    report_films(films, "looks at even times", lambda: Even(rate_hz), eyes.look_s)
    report_films(films, "as the daemon looks", lambda: LookSchedule(rate_hz), eyes.look_s)
    if clips:
        print("clip: looks a second at even times, as the daemon looks; flashes reported by each")
        report_clips(clips, rate_hz, eyes.look_s)


if __name__ == "__main__":
    main()
