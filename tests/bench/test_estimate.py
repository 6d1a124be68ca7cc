"""How far a batch is, in numbers that do not promise more than is known."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from driver_monitor.app.build import Request, load_plan
from driver_monitor.bench.batch import progress
from driver_monitor.bench.batch.estimate import Estimate, in_words, span
from driver_monitor.bench.batch.processes import Runner
from tests.bench.test_processes import Work, length


def test_ok__before_anything_is_known_no_time_is_told() -> None:
    estimate = Estimate([1000, 1000], 0.0)
    assert in_words(estimate) == "0 of 2 clips, 0 frames, time left unknown"
    estimate.begin(0)
    estimate.update(0, 5, None, 1.0)  # a trace: its length is not announced
    assert in_words(estimate) == "0 of 2 clips, 5 frames, 5.0 frames/s, time left unknown"


def test_ok__what_waits_is_estimated_from_the_bytes_of_what_is_known() -> None:
    estimate = Estimate([1000, 3000], 0.0)
    estimate.begin(0)
    estimate.update(0, 50, 100, 5.0)
    assert in_words(estimate) == "0 of 2 clips, 50 of about 400 frames, 10 frames/s, about 35 s left"
    estimate.update(0, 100, 100, 10.0)
    estimate.end(0, False, 10.0)
    estimate.begin(1)
    estimate.update(1, 1, 200, 12.0)
    assert estimate.exact
    assert in_words(estimate).startswith("1 of 2 clips, 101 of 300 frames, 8.4 frames/s")


def test_ok__clips_that_failed_at_once_do_not_make_the_others_look_short() -> None:
    estimate = Estimate([1000, 1000, 1000], 0.0)
    for index in range(2):
        estimate.begin(index)
    estimate.end(0, True, 1.0)
    estimate.update(1, 100, 100, 10.0)
    estimate.end(1, False, 10.0)
    assert estimate.left() == 100
    assert in_words(estimate).endswith("about 10 s left, 1 failed")


def test_ok__a_clip_that_begins_again_is_counted_once() -> None:
    estimate = Estimate([10, 10], 0.0)
    for done in (7, 3):
        estimate.begin(0)
        estimate.update(0, done, 10, 1.0)
    assert (estimate.frames, estimate.left()) == (3, 17)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**5), st.booleans(), st.booleans()), max_size=20))
def test_ok__at_the_end_nothing_is_left(clips: list[tuple[int, int, bool, bool]]) -> None:
    estimate = Estimate([size for size, *_ in clips], 0.0)
    for index, (_, frames, announced, failed) in enumerate(clips):
        estimate.begin(index)
        estimate.update(index, frames, frames if announced else None, float(index))
        left = estimate.left()
        assert left is None or left >= 0
        assert estimate.seconds_left() is None or (estimate.seconds_left() or 0) >= 0
        estimate.end(index, failed, float(index) + 1)
    assert (estimate.ended, estimate.left() or 0) == (len(clips), 0)
    assert estimate.frames == sum(frames for _, frames, *_ in clips)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (89, "89 s"), (90, "2 min"), (5400, "1 h 30 min")])
def test_ok__times_are_as_coarse_as_they_are_sure(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_ok__the_speed_is_that_of_the_last_minutes() -> None:
    estimate = Estimate([1, 1], 0.0)
    estimate.begin(0)
    estimate.update(0, 100_000, None, 100.0)
    for second in range(101, 1000):
        estimate.update(0, 100_000 + second, None, float(second))
    assert estimate.speed() == pytest.approx(1.0)


@pytest.mark.parametrize("terminal", [False, True])
def test_ok__progress_is_a_bar_on_a_terminal_and_else_lines_on_stderr(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_S", 0.0)
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=terminal, width=120)
    list(Runner(length, load_plan(Request())).run([Work(Path("a.mp4"))], 1, console))
    lines = capsys.readouterr().err.splitlines()
    if terminal:
        assert lines == []
        assert "1 of 1 clips" in shown.getvalue()
    else:
        assert lines[-1].startswith("progress: 1 of 1 clips, 1 of 1 frames")
        assert shown.getvalue() == ""


def test_ok__a_bar_is_drawn_for_each_clip_and_not_for_each_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []
    monkeypatch.setattr(progress, "DRAW_S", 1000.0)
    with progress.showing([Path("a.mp4"), Path("b.mp4")], Console(file=io.StringIO(), force_terminal=True)) as shown:
        monkeypatch.setattr(shown, "_bar", SimpleNamespace(disable=False, update=lambda *_, **now: drawn.append(now)))
        for clip in (0, 1):
            shown.begin(clip)
            for frame in range(100):
                shown.update(clip, frame, 100)
            shown.end(clip, failed=False)
    assert len(drawn) == 3  # the first frame, and the ends


def test_ok__the_largest_clip_begins_first() -> None:
    assert Estimate([10, 30, 0, 30], 0.0).largest_first() == [1, 3, 0, 2]
