"""How far a batch is: counts clips and frames, and estimates what is left. It reads no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

WINDOW_S = 300.0
"""The speed is that of the last five minutes (ours): a batch can begin with short clips."""
SAMPLE_S = 1.0
"""Shortest time between two samples of the speed (ours)."""


@dataclass(slots=True)
class _Running:
    done: int = 0
    total: int | None = None


class Estimate:
    """Counts what is done of a batch. `sizes`: bytes of each clip, 0: not known. `started`: seconds on any clock.

    A running clip says how many frames it has, if its file announces that. For the clips that wait, frames are
    estimated from their bytes: they have as many frames a byte as the clips so far. So a total is exact only when all
    clips have begun, and there is none before the first clip has ended or has announced its frames.
    """

    def __init__(self, sizes: Sequence[int], started: float) -> None:
        self._sizes = sizes
        self._running: dict[int, _Running] = {}
        self._waiting = sum(sizes)
        self._known_frames, self._known_bytes = 0, 0
        self._ended_frames = 0
        self._samples: deque[tuple[float, int]] = deque([(started, 0)])
        self.ended, self.failed = 0, 0

    @property
    def clips(self) -> int:
        """Number of all clips."""
        return len(self._sizes)

    @property
    def frames(self) -> int:
        """Number of frames done, with those of running clips."""
        return self._ended_frames + sum(one.done for one in self._running.values())

    def largest_first(self) -> list[int]:
        """Return the indexes of all clips, those with the most bytes first. Equal ones keep their order."""
        return sorted(range(len(self._sizes)), key=lambda index: -self._sizes[index])

    def begin(self, index: int) -> None:
        """Clip `index` begins, or begins again on another worker."""
        if index not in self._running:
            self._waiting -= self._sizes[index]
        self._running[index] = _Running()

    def update(self, index: int, done: int, total: int | None, now: float) -> None:
        """Of clip `index`, `done` frames are done of `total`; None: the file does not say. `now`: seconds."""
        if index in self._running:
            self._running[index] = _Running(done, total)
            self._sample(now)

    def end(self, index: int, failed: bool, now: float) -> None:
        """Clip `index` has ended. One that failed may have stopped early, so it tells nothing of others."""
        one = self._running.pop(index, _Running())
        self._ended_frames += one.done
        self.ended += 1
        self.failed += failed
        if not failed:
            self._known_frames += one.done
            self._known_bytes += self._sizes[index]
        self._sample(now)

    def left(self) -> int | None:
        """Return the estimated number of frames still to do; None: nothing is known yet."""
        announced = [(one.total, self._sizes[i]) for i, one in self._running.items() if one.total is not None]
        frames = self._known_frames + sum(total for total, _ in announced)
        size = self._known_bytes + sum(size for _, size in announced)
        silent = [(one, self._sizes[i]) for i, one in self._running.items() if one.total is None]
        if not size and (self._waiting or silent):
            return None
        left = frames * self._waiting / size if size else 0.0
        left += sum(max(0, (one.total or 0) - one.done) for one in self._running.values() if one.total is not None)
        left += sum(max(0.0, frames * bytes_ / size - one.done) for one, bytes_ in silent)
        return round(left)

    @property
    def exact(self) -> bool:
        """Whether `left` is what the files announce, and no estimate from bytes."""
        all_begun = self.ended + len(self._running) == self.clips
        return all_begun and all(one.total is not None for one in self._running.values())

    def speed(self) -> float | None:
        """Return the frames a second of the last `WINDOW_S`; None: nothing was done yet."""
        (began, before), (now, frames) = self._samples[0], self._samples[-1]
        return (frames - before) / (now - began) if now > began and frames > before else None

    def seconds_left(self) -> float | None:
        """Return the estimated time that is left, None: not known."""
        left, speed = self.left(), self.speed()
        return None if left is None or speed is None else left / speed

    def _sample(self, now: float) -> None:
        if now - self._samples[-1][0] >= SAMPLE_S:
            self._samples.append((now, self.frames))
            while now - self._samples[1][0] > WINDOW_S:
                self._samples.popleft()


def in_words(estimate: Estimate) -> str:
    """Return a line such as "12 of 1,000 clips, 3,456 of about 288,000 frames, 120 frames/s, about 39 min left"."""
    left, speed, seconds = estimate.left(), estimate.speed(), estimate.seconds_left()
    frames = f"{estimate.frames:,} frames"
    if left is not None:
        frames = f"{estimate.frames:,} of {'' if estimate.exact else 'about '}{estimate.frames + left:,} frames"
    parts = [f"{estimate.ended:,} of {estimate.clips:,} clips", frames]
    if speed is not None:
        parts.append(f"{speed:,.0f} frames/s" if speed >= 10 else f"{speed:.1f} frames/s")
    parts.append("time left unknown" if seconds is None else f"about {span(seconds)} left")
    if estimate.failed:
        parts.append(f"{estimate.failed:,} failed")
    return ", ".join(parts)


def span(seconds: float) -> str:
    """Return a time as "45 s", "12 min" or "3 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
