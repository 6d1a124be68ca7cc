"""Shows how far a batch is: a bar on a terminal, else a line on stderr now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from driver_monitor.bench.batch.estimate import Estimate, in_words
from driver_monitor.bench.replays.replay import OnProgress

LINE_S = 30.0
"""Time between two lines without a terminal (ours): the log of a night has a thousand of them."""
DRAW_S = 0.5
"""Time between two drawings of the bar: enough for people. With each frame, it took 50 µs a frame."""


class BatchProgress:
    """Counts in `estimate`, and shows it: in `bar`, or, if that is disabled, as a line on stderr each `LINE_S`."""

    def __init__(self, estimate: Estimate, bar: Progress) -> None:
        self.estimate = estimate
        self._bar = bar
        self._task = bar.add_task("", total=None)
        self._next = time.monotonic() + LINE_S if bar.disable else 0.0

    def begin(self, index: int) -> None:
        """See `Estimate.begin`."""
        self.estimate.begin(index)

    def update(self, index: int, done: int, total: int | None) -> None:
        """See `Estimate.update`."""
        self.estimate.update(index, done, total, time.monotonic())
        self.show()

    def end(self, index: int, failed: bool) -> None:
        """See `Estimate.end`."""
        self.estimate.end(index, failed, time.monotonic())
        if not self._bar.disable:
            self._next = 0.0  # the number of clips has changed
        self.show()

    def of(self, index: int) -> OnProgress:
        """Return the function that a job in this process calls for each frame."""
        return lambda done, total: self.update(index, done, total)

    def show(self) -> None:
        """Show the numbers, if it is time."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (LINE_S if self._bar.disable else DRAW_S)
        if self._bar.disable:
            print(f"progress: {in_words(self.estimate)}", file=sys.stderr, flush=True)
            return
        left = self.estimate.left()
        total = None if left is None else self.estimate.frames + left
        self._bar.update(
            self._task, description=escape(in_words(self.estimate)), completed=self.estimate.frames, total=total
        )


@contextmanager
def showing(clips: Iterable[Path], console: Console) -> Iterator[BatchProgress]:
    """Show the progress over `clips` on `console` if it is a terminal, else on stderr."""
    estimate = Estimate([size_of(clip) for clip in clips], time.monotonic())
    columns = (BarColumn(), TextColumn("{task.description}"))
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal, refresh_per_second=1 / DRAW_S
    ) as bar:
        yield BatchProgress(estimate, bar)


def size_of(clip: Path) -> int:
    """Return the bytes of a clip, or of the files of a folder; 0 if they cannot be read: nobody fails here."""
    with suppress(OSError):
        paths = clip.iterdir() if clip.is_dir() else [clip]
        return sum(path.stat().st_size for path in paths)
    return 0
