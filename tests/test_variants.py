"""The measurement of variants is right itself, and harmless variants of real clips give the same alerts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from driver_monitor.data.observation import Observation
from driver_monitor.demo import CLIP
from tests.conftest import SHARED
from tools.measure.variant_clips import Variant, variants, write
from tools.measure.variants import CLIPS, alerts, judge, read_truth, through_nets

DATA = SHARED / "data"
EVENTS = [
    {"type": "look_away", "start": 20, "end": 59, "direction": "image_left"},
    {"type": "look_away", "start": 61, "end": 99, "direction": "image_left"},
    {"type": "eyes_closed", "start": 200, "end": 244},
    {"type": "uncertain", "start": 300, "end": 400},
]


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "trip.json"
    path.write_text(json.dumps({"fps": 20.0, "frames": 500, "events": EVENTS}))
    return path


def test_ok__the_labels_say_which_alerts_are_right(labels: Path) -> None:
    truth = read_truth(labels)
    right = [("long_distraction", 4.0, "right"), ("microsleep", 11.0, None)]
    assert judge(truth, right, 0.0, mirrored=False) == {"missing": [], "wrong": []}
    assert judge(truth, right[1:], 0.0, mirrored=False)["missing"] == ["long_distraction 1.00"]
    assert judge(truth, right, 0.0, mirrored=True)["missing"] == ["long_distraction 1.00 to the left, not right"]
    assert judge(truth, right[1:], 2.0, mirrored=False)["missing"] == [], "it is too short from there"
    unsure, wrong = ("microsleep", 17.0, None), ("sleep", 9.0, None)
    assert judge(truth, [*right, unsure, wrong], 0.0, mirrored=False)["wrong"] == ["sleep 9.00"]


def test_ok__eyes_closed_or_lowered_are_wanted_where_the_clip_as_it_is_tells_them(labels: Path) -> None:
    truth, rule = read_truth(labels), "eyes_closed_or_lowered"
    right = [("long_distraction", 4.0, "right"), ("microsleep", 11.0, None)]
    told = [(rule, 8.0, None)]
    assert judge(truth, [*right, (rule, 8.3, None)], 0.0, False, told) == {"missing": [], "wrong": []}
    assert judge(truth, right, 0.0, False, told)["missing"] == [f"{rule} 8.00"]
    assert judge(truth, right, 6.0, False, told)["missing"] == [], "it begins too late"
    assert judge(truth, [*right, (rule, 8.3, None)], 0.0, False)["wrong"] == [f"{rule} 8.30"]
    assert judge(truth, [*right, ("microsleep", 8.0, None)], 0.0, False, told)["missing"] == []


def test_ok__there_are_four_hundred_different_variants() -> None:
    made = [variants(20.0, seed=0) for _ in CLIPS]
    assert sum(map(len, made)) >= 390
    assert len({variant.name for variant in made[0]}) == len(made[0])
    assert made[0] == made[1]


def test_ok__a_variant_is_a_clip_with_the_changed_pictures_at_their_times(tmp_path: Path) -> None:
    variant = Variant("mirrored", start=3, every=2, container="mkv", codec="mpeg4", scale=0.75, mirrored=True)
    numbers = variant.frames(15, 20.0)
    path = tmp_path / "variant.mkv"
    write(CLIP, variant, numbers, 20.0, path)
    with av.open(str(path)) as file, av.open(str(CLIP)) as source:
        frames = list(file.decode(video=0))
        first = next(frame for number, frame in enumerate(source.decode(video=0)) if number == 3)
    assert numbers == [3, 5, 7, 9, 11, 13]
    assert [round(frame.time, 2) for frame in frames] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert frames[0].width == 480
    painted = variant.paint(first.to_ndarray(format="bgr24"))
    assert np.abs(frames[0].to_ndarray(format="bgr24").astype(int) - painted).mean() < 8


@pytest.fixture(scope="module")
def turned() -> list[Observation]:
    if not DATA.exists():
        pytest.skip(f"needs the clips in {DATA}, which are not in the project")
    return list(through_nets(DATA / "clips" / "phone_3.mp4"))


def test_ok__phone_3_gives_the_same_alert_from_each_frame_of_its_first_second(turned: list[Observation]) -> None:
    truth = read_truth(DATA / "labels" / "phone_3.json")
    for start in range(21):
        begin = turned[start].t
        found = alerts(replace(one, t=one.t - begin) for one in turned[start:])
        result = judge(truth, [(rule, t + begin, side) for rule, t, side in found], begin, mirrored=False)
        assert result == {"missing": [], "wrong": []}, start


@pytest.mark.parametrize("grid", [1e-3, 1 / 90000, 0.0])
def test_ok__phone_3_in_a_loop_is_told_in_nearly_each_round(turned: list[Observation], grid: float) -> None:
    times = [(one, lap * 101 / 19.9167 + one.t) for lap in range(36) for one in turned]
    film = (replace(one, t=round(t / grid) * grid if grid else t) for one, t in times)
    assert sum(rule == "long_distraction" for rule, *_ in alerts(film)) >= 30
