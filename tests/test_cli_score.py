"""`score clips` and `score eyes` as a user calls them."""

from __future__ import annotations

import io
import json
import re
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driver_monitor.demo import TRUTH
from driver_monitor.perception.eyes.patch import HEIGHT, WIDTH
from tests.conftest import SHORT, SHORT_FPS, Cli
from tests.test_eye_net import drawn_eye


def nap_labels(**change: Any) -> dict[str, Any]:
    """What is true of `short_clip`, cut out of the demo's truth."""
    first, end = SHORT
    events = [
        {**event, "start": max(event["start"] - first, 0), "end": min(event["end"], end - 1) - first}
        for event in json.loads(TRUTH.read_text())["events"]
        if event["type"] == "eyes_closed" and event["end"] >= first and event["start"] < end
    ]
    return {"person": "p1", "fps": SHORT_FPS, "frames": end - first, "events": events, **change}


@pytest.fixture
def folders(short_clip: Path, tmp_path: Path) -> tuple[Path, Path]:
    clips, labels = tmp_path / "clips", tmp_path / "labels"
    clips.mkdir()
    labels.mkdir()
    shutil.copy(short_clip, clips / "nap.mp4")
    (labels / "nap.json").write_text(json.dumps(nap_labels()))
    return clips, labels


def test_ok__a_nap_is_scored_clip_by_clip_and_all_together(command: Cli, folders: tuple[Path, Path]) -> None:
    clips, labels = folders
    shutil.copy(clips / "nap.mp4", clips / "again.mp4")
    (labels / "other.json").write_text(json.dumps(nap_labels(clip="again.mp4", person="p2")))
    outcome = command("score", "clips", clips, "--labels", labels, "--json", "--jobs", "2")
    assert (outcome.code, outcome.lines) == (0, [])
    found = json.loads(outcome.out)
    assert [clip["clip"] for clip in found["clips"]] == ["again.mp4", "nap.mp4"]
    nap, pooled = found["clips"][1], found["pooled"]
    assert nap["eyes"]["labelled"] == nap["eyes"]["found"] == 2
    assert nap["eyes"]["frame_f1"] > 0.9
    assert nap["eyes"]["long"] == []
    assert nap["alerts"]["microsleep"] == {
        "due": 1,
        "in_time": 1,
        "raised": 1,
        "false": 0,
        "unscored": 0,
        "not_judged": 0,
    }
    assert nap["long_events"]["closures"] == 1
    assert nap["long_events"]["closures_missed"] == nap["long_events"]["alerts_false"] == 0
    assert (pooled := found["pooled"])["long_closures"] == 2
    assert pooled["false_closure_alerts"]["count"] == 0
    assert nap["face"]["present_share"] == 1
    assert pooled["persons"] == 2
    assert pooled["event_f1"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert pooled["false_long_closures"]["hours"] == pytest.approx(2 * 6 / 3600, abs=1e-5)
    assert sorted(path.name for path in clips.parent.glob("**/*.jsonl")) == []


def test_ok__a_profile_decides_which_rules_are_scored(command: Cli, folders: tuple[Path, Path]) -> None:
    outcome = command("score", "clips", folders[0], "--labels", folders[1], "--json", "--profile", "quiet")
    assert (outcome.code, outcome.lines) == (0, [])
    found = json.loads(outcome.out)
    assert found["profile"] == "quiet"
    assert list(found["clips"][0]["alerts"]) == ["microsleep", "long_distraction", "unresponsive"]
    assert found["clips"][0]["alerts"]["microsleep"]["in_time"] == 1
    assert "sleep_due" not in found["pooled"]


def test_ok__people_get_tables(command: Cli, folders: tuple[Path, Path]) -> None:
    outcome = command("score", "clips", folders[0], "--labels", folders[1], "--every", "2")
    assert (outcome.code, outcome.lines) == (0, [])
    for words in ("nap.mp4", "closures, F1", "1.000", "one person: none", "microsleep raised in time", "an hour"):
        assert words in outcome.out


@pytest.mark.parametrize("doubtful", [True, False])
def test_ok__alerts_that_are_not_judged_are_counted_in_table_and_json(
    command: Cli, folders: tuple[Path, Path], doubtful: bool
) -> None:
    events = [{"type": "uncertain", "start": 0, "end": SHORT[1] - SHORT[0] - 1}] if doubtful else []
    (folders[1] / "nap.json").write_text(json.dumps(nap_labels(events=events)))
    arguments = ("score", "clips", folders[0], "--labels", folders[1])
    alert = json.loads(command(*arguments, "--json").out)
    assert (
        alert["clips"][0]["alerts"]["microsleep"]["not_judged"] == alert["pooled"]["microsleep_not_judged"] == doubtful
    )
    shown = " ".join(command(*arguments).out.split())
    assert "alerts raised due in time false not judged" in shown
    assert f"microsleep 1 raised 1, due 0, false {int(not doubtful)}, not judged {int(doubtful)}" in shown


def test_ok__a_figure_without_a_value_has_no_words_about_persons(command: Cli, folders: tuple[Path, Path]) -> None:
    (folders[1] / "nap.json").write_text(json.dumps(nap_labels(events=[])))
    outcome = command("score", "clips", folders[0], "--labels", folders[1], "--every", "4")
    row = next(line for line in outcome.out.splitlines() if "agrees with look_away" in line)
    assert row.split()[-2:] == ["-", "-"]


def faulty(folders: tuple[Path, Path], kind: str) -> None:
    clips, labels = folders
    if kind == "clip without labels":
        shutil.copy(clips / "nap.mp4", clips / "more.mp4")
    elif kind == "labels without a clip":
        (labels / "more.json").write_text(json.dumps(nap_labels()))
    elif kind == "labels of another length":
        shutil.copy(clips / "nap.mp4", clips / "more.mp4")
        (labels / "more.json").write_text(json.dumps(nap_labels(frames=121)))
    elif kind == "labels of another rate":
        shutil.copy(clips / "nap.mp4", clips / "more.mp4")
        (labels / "more.json").write_text(json.dumps(nap_labels(fps=2 * SHORT_FPS)))
    elif kind == "damaged labels":
        shutil.copy(clips / "nap.mp4", clips / "more.mp4")
        (labels / "more.json").write_text("{")
    elif kind == "damaged clip":
        (clips / "more.mp4").write_text("no clip")
        (labels / "more.json").write_text(json.dumps(nap_labels()))
    elif kind == "labels twice":
        (labels / "more.json").write_text(json.dumps(nap_labels(clip="nap.mp4")))
    else:
        shutil.copy(clips / "nap.mp4", clips / "more.mp4")
        shutil.copy(clips / "nap.mp4", clips / "more.avi")
        (labels / "more.avi.json").write_text(json.dumps(nap_labels(clip="more.avi")))
        (labels / "more.json").write_text(json.dumps(nap_labels(clip="more")))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("clip without labels", "more.mp4: has no labels; add more.json"),
        ("labels without a clip", "more.json: clip: more is not among the clips"),
        ("labels of another length", "frames: 121 are labelled, but"),
        ("labels of another rate", "fps: 40, but"),
        ("damaged labels", "more.json:1: not valid JSON"),
        ("damaged clip", "more.mp4: cannot be opened as a video"),
        ("labels twice", "more.json already; remove one of the two"),
    ],
)
def test_fail__what_cannot_be_scored_is_one_line_and_the_rest_is_scored(
    command: Cli, folders: tuple[Path, Path], kind: str, words: str
) -> None:
    faulty(folders, kind)
    outcome = command("score", "clips", folders[0], "--labels", folders[1], "--json")
    assert outcome.code == 1
    assert len(outcome.lines) == 1
    assert words in outcome.lines[0]
    found = json.loads(outcome.out)
    assert len(found["clips"]) == 1
    assert found["faults"] == outcome.lines


@pytest.mark.parametrize("named", ["nap.avi", "nap.MKV", "other.mp4"])
def test_fail__labels_of_a_clip_that_is_not_there_are_not_taken_for_another(
    command: Cli, folders: tuple[Path, Path], named: str
) -> None:
    (folders[1] / "nap.json").write_text(json.dumps(nap_labels(clip=named)))
    outcome = command("score", "clips", folders[0], "--labels", folders[1], "--json")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert f"nap.json: clip: {named} is not among the clips" in outcome.lines[0]
    assert json.loads(outcome.out)["clips"] == []


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_fail__only_faulty_labels_are_lines_with_any_number_of_jobs(
    command: Cli, folders: tuple[Path, Path], jobs: int
) -> None:
    (folders[1] / "nap.json").write_text("{")
    outcome = command("score", "clips", folders[0], "--labels", folders[1], "--jobs", jobs)
    assert (outcome.code, len(outcome.lines)) == (1, 1)


def test_fail__a_name_that_two_clips_share_must_be_whole(command: Cli, folders: tuple[Path, Path]) -> None:
    faulty(folders, "ambiguous")
    outcome = command("score", "clips", folders[0], "--labels", folders[1], "--json")
    assert re.search(r"more\.avi and \S*more\.mp4 have this name", outcome.lines[0])


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("kind", ["empty", "missing", "file"])
def test_fail__a_folder_with_nothing_to_score(
    command: Cli, folders: tuple[Path, Path], tmp_path: Path, which: int, kind: str
) -> None:
    odd = tmp_path / "odd"
    if kind == "empty":
        odd.mkdir()
    elif kind == "file":
        odd.touch()
    chosen = [*folders]
    chosen[which] = odd
    outcome = command("score", "clips", chosen[0], "--labels", chosen[1])
    assert (outcome.code, outcome.out, len(outcome.lines)) == (1, "", 1)
    assert str(odd) in outcome.lines[0]


def test_fail__a_wrong_model_is_one_line_and_not_one_a_clip(command: Cli, folders: tuple[Path, Path]) -> None:
    shutil.copy(folders[0] / "nap.mp4", folders[0] / "more.mp4")
    (folders[1] / "more.json").write_text(json.dumps(nap_labels()))
    Path("none").mkdir()
    Path("my.yaml").write_text("models: {folder: none}\nface: {detector: hog}")
    outcome = command("score", "clips", folders[0], "--labels", folders[1], "--config", "my.yaml", "--jobs", "2")
    assert (outcome.code, outcome.out, len(outcome.lines)) == (1, "", 1)
    assert "none/landmarks.onnx: cannot read the model" in outcome.lines[0]


def eyes(path: Path, **change: Any) -> Path:
    lids = np.tile([1.0, 0.0, 0.6], 4)
    crops = np.stack([drawn_eye(lid)[80:160, 90:230] for lid in lids])
    arrays: dict[str, Any] = {"images": crops, "closed": (lids == 0).astype(np.uint8), **change}
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


def test_ok__drawn_eyes_are_reported_apart(command: Cli, tmp_path: Path) -> None:
    outcome = command("score", "eyes", eyes(tmp_path / "eyes.npz"), "--json")
    assert (outcome.code, outcome.lines) == (0, [])
    found = json.loads(outcome.out)
    assert (found["images"], found["closed"], found["persons"]) == (12, 4, None)
    assert found["auc"]["value"] == 1
    assert "persons unknown" in command("score", "eyes", tmp_path / "eyes.npz").out


def test_ok__one_class_only_has_no_auc(command: Cli, tmp_path: Path) -> None:
    path = eyes(tmp_path / "eyes.npz", closed=np.zeros(12, np.uint8))
    assert json.loads(command("score", "eyes", path, "--json").out)["auc"]["value"] is None
    assert "needs open and closed eyes" in command("score", "eyes", path).out


def bomb(path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**7, 10**3)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", header.getvalue())
        archive.writestr("closed.npy", header.getvalue())


def headed(header: str) -> Callable[[Path], None]:
    """Writes a file whose images begin with this header."""

    def write(path: Path) -> None:
        text = header.encode() + b"\n"
        labels = io.BytesIO()
        np.save(labels, np.zeros(12, np.uint8))
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("images.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text)
            archive.writestr("closed.npy", labels.getvalue())

    return write


def scratched(path: Path) -> None:
    with np.load(eyes(path)) as file:
        arrays = dict(file)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name in ("images", "closed"):
            part = io.BytesIO()
            np.save(part, arrays[name])
            archive.writestr(f"{name}.npy", part.getvalue())
    data = bytearray(path.read_bytes())
    data[60:400] = bytes(byte ^ 0x5A for byte in data[60:400])
    path.write_bytes(data)


SPOILERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "No such file"),
    "a folder": (lambda path: path.mkdir(), "not a regular file"),
    "no archive": (lambda path: path.write_text("eyes"), "not a readable .npz file"),
    "cut off": (lambda path: path.write_bytes(eyes(path).read_bytes()[:5000]), "not a readable .npz file"),
    "announces more than it holds": (bomb, "eyes.npz"),
    "a header cut off": (headed("{'descr': '|u1', 'shape': (12, 9"), "not a readable .npz file"),
    "a header of brackets": (headed("(" * 5000), "not a readable .npz file"),
    "a size beyond numbers": (
        headed(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({10**30}, 9, 9)}}"),
        "not a readable .npz file",
    ),
    "scratched, by LZMA": (scratched, "not a readable .npz file"),
    "without labels": (lambda path: eyes(path, closed=None), "closed: missing; the file holds images"),
    "floats": (lambda path: eyes(path, images=np.zeros((12, 24, 24))), "images: expected uint8 (N, H, W)"),
    "colour": (lambda path: eyes(path, images=np.zeros((12, 9, 9, 3), np.uint8)), "images: expected uint8"),
    "none": (lambda path: eyes(path, images=np.zeros((0, 9, 9), np.uint8)), "images: expected uint8"),
    "too few labels": (lambda path: eyes(path, closed=np.zeros(11, np.uint8)), "closed: expected one whole number"),
    "other labels": (lambda path: eyes(path, closed=np.full(12, 7, np.uint8)), "closed: expected 0 or 1, found 7"),
    "pickles": (lambda path: eyes(path, closed=np.array([None] * 12)), "not a readable .npz file"),
}


@pytest.mark.parametrize("kind", SPOILERS)
def test_fail__an_array_file_that_is_none_is_one_line(command: Cli, tmp_path: Path, kind: str) -> None:
    make, words = SPOILERS[kind]
    make(tmp_path / "eyes.npz")
    outcome = command("score", "eyes", tmp_path / "eyes.npz")
    assert (outcome.code, outcome.out, len(outcome.lines)) == (1, "", 1)
    assert "eyes.npz" in outcome.lines[0]
    assert words in outcome.lines[0]


def test_fail__wrong_use(command: Cli, tmp_path: Path) -> None:
    assert command("score").code == 2
    assert command("score", "clips", tmp_path).code == 2
    assert command("score", "clips", tmp_path, "--labels", tmp_path, "--every", "0").code == 2
    assert command("score", "eyes").code == 2


def test_ok__rectified_patches_are_taken_as_they_are() -> None:
    from driver_monitor.bench.score.nets.eyes import classify

    class Seen:
        def classify(self, patches: Any) -> Any:
            self.patches = patches
            return np.tile(np.array([1, 0, 0, 0], np.float32), (len(patches), 1))

    images = np.random.default_rng(0).integers(60, 90, (3, HEIGHT, WIDTH)).astype(np.uint8)
    net = Seen()
    classify(images, net.classify)
    assert np.array_equal(net.patches, images)
    classify(images[:, :, :-2].copy(), net.classify)
    assert net.patches.shape == images.shape
    assert not np.array_equal(net.patches, images)
