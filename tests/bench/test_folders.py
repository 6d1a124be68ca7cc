"""Each clip's results get a folder of their own, whatever the clips are called and wherever they lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.bench.replay import folders


@pytest.fixture
def trips(tmp_path: Path) -> Path:
    for name in ("a/cam.mp4", "b/cam.mp4", "b/cam.avi", "c/other.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_ok__a_clip_gives_its_name_without_its_ending(trips: Path) -> None:
    assert folders([trips / "c/other.mp4"], Path("out")) == {trips / "c/other.mp4": Path("out/other")}


def test_ok__two_of_one_name_keep_the_path_below_their_common_folder(trips: Path) -> None:
    clips = [trips / "a/cam.mp4", trips / "b/cam.mp4", trips / "c/other.mp4"]
    assert list(folders(clips, Path("out")).values()) == [Path("out/a/cam"), Path("out/b/cam"), Path("out/other")]


def test_ok__two_that_differ_in_their_ending_only_keep_it(trips: Path) -> None:
    clips = [trips / "b/cam.mp4", trips / "b/cam.avi"]
    assert list(folders(clips, Path("out")).values()) == [Path("out/cam.mp4"), Path("out/cam.avi")]


def test_ok__the_trace_of_a_replay_is_called_after_its_trip() -> None:
    traces = [Path("/results/trip1/replay.trace.jsonl.gz"), Path("/results/trip2/replay.trace.jsonl.gz")]
    assert list(folders(traces, Path("out")).values()) == [Path("out/trip1"), Path("out/trip2")]
    assert list(folders(traces[:1], Path("out")).values()) == [Path("out/trip1")]
    assert list(folders([Path("/tmp/mine.trace.jsonl.gz")], Path("out")).values()) == [Path("out/mine")]


names = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3).map("/".join)
endings = st.sampled_from([".mp4", ".avi", ""])


@given(st.lists(st.tuples(names, endings), min_size=1, max_size=8, unique=True))
def test_ok__no_two_clips_ever_share_a_folder(clips: list[tuple[str, str]]) -> None:
    paths = [Path("/trips") / (name + ending) for name, ending in clips]
    found = folders(paths, Path("out"))
    assert len({os.path.normpath(path) for path in found.values()}) == len(paths)
