"""A user's own labelled clips: which frames are used, how they are split, and what is said if they are not enough."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from driver_monitor.app import build
from driver_monitor.bench.score.clip import ScoreJob
from driver_monitor.bench.score.labels import ClipLabels
from driver_monitor.config import resources
from driver_monitor.errors import LabelError, ModelError, UsageError
from tests.test_cli_score import nap_labels
from tools.eyes import train
from tools.eyes.own import crops
from tools.eyes.own.card import Measured, Origin, card, faults_of
from tools.eyes.own.crops import CLOSED, LOWERED, OPEN, EyeCrops, crops_of, wanted_frames
from tools.eyes.own.figures import figures
from tools.eyes.own.table import EyeTable, check_enough, table_of
from tools.own.folder import write_folder
from tools.own.parts import parts_of

EYES = resources.path("models") / "eyes.onnx"


def labels_of(frames: int, *events: tuple[str, int, int]) -> ClipLabels:
    listed = [{"type": kind, "start": start, "end": end} for kind, start, end in events]
    return ClipLabels.model_validate({"person": "p1", "fps": 20.0, "frames": frames, "events": listed})


def copy(path: Path, net: bytes) -> None:
    path.write_bytes(net)


def some_crops(states: list[str], seed: int = 1) -> EyeCrops:
    """Crops of noise with these states; each run of a state is an event."""
    n, random = len(states), np.random.default_rng(seed)
    state = np.array(states, "<U7")
    event = np.concatenate(([0], np.cumsum(state[1:] != state[:-1])))
    patches, bands, strips = (
        random.integers(0, 256, (n, *size), dtype=np.uint8) for size in ((2, 32, 48), (2, 32, 64), (88, 168))
    )
    points = np.full((n, 70, 2), 44.0, np.float32)
    points[:, 36:48, 0] = [36, 46, 57, 67, 57, 46, 101, 111, 122, 132, 122, 111]
    return EyeCrops(np.arange(n), state, event, patches, bands, np.ones((n, 2), bool), strips, points)


def some_table(persons: dict[str, list[str]]) -> EyeTable:
    return table_of([(f"{name}.mp4", name, some_crops(states)) for name, states in persons.items()])


def test_ok__edges_blinks_and_uncertain_frames_teach_nothing() -> None:
    labels = labels_of(
        200, ("eyes_closed", 50, 69), ("uncertain", 70, 79), ("blink", 100, 106), ("eyes_lowered", 120, 139)
    )
    frame, state, event = wanted_frames(labels)
    assert frame[state == CLOSED].tolist() == list(range(51, 69))
    assert frame[state == LOWERED].tolist() == list(range(122, 138))
    opened = frame[state == OPEN]
    assert not np.isin(opened, [*range(48, 82), *range(98, 109), *range(118, 142)]).any()
    assert np.diff(opened).min() >= 4  # five a second of twenty
    assert [len(set(event[state == kind])) for kind in (CLOSED, LOWERED)] == [1, 1]


def test_ok__no_frame_of_a_person_is_measured_by_a_net_that_has_seen_this_person() -> None:
    table = some_table({"a": [OPEN] * 9 + [CLOSED] * 9, "b": [CLOSED] * 5 + [OPEN] * 5, "c": [OPEN] * 20})
    parts = table.parts()
    assert (parts.by, parts.count) == ("person", 2)
    assert all(len(set(parts.part[table.person == name])) == 1 for name in "abc")
    assert len(set(parts.part[table.closed])) == 2


def test_ok__one_person_is_split_by_clip_and_one_clip_by_time() -> None:
    states = [OPEN] * 9 + [CLOSED] * 9
    clips = [(f"{name}.mp4", "a", some_crops(states)) for name in ("x", "y")]
    by_clip, by_time = table_of(clips).parts(), table_of(clips[:1]).parts()
    assert (by_clip.by, by_time.by) == ("clip", "time")
    assert by_time.part[:9].tolist() == by_time.part[9:].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_ok__a_split_needs_no_order_of_the_rows() -> None:
    time, state = np.array([3, 1, 2, 0]), np.repeat("closed", 4)
    parts = parts_of(np.repeat("a", 4), np.repeat("x", 4), time, state, "closed")
    assert parts.part.tolist() == [2, 0, 1, 0]


@pytest.mark.parametrize(
    ("states", "wanted"),
    [([OPEN] * 50 + [CLOSED] * 9, "9 usable frames are closed (at least 40)"), ([CLOSED] * 50, "label more open eyes")],
)
def test_fail__too_little_is_one_line_that_says_what_to_label(states: list[str], wanted: str) -> None:
    with pytest.raises(LabelError) as error:
        check_enough(some_table({"a": states}))
    assert wanted in str(error.value)
    assert "\n" not in str(error.value)


def test_ok__eyes_are_found_once_and_found_again_when_the_labels_change(short_clip: Path, tmp_path: Path) -> None:
    plan, said = build.load_plan(build.Request()), list[str]()
    for start in (60, 60, 62):
        labels = labels_of(120, ("eyes_closed", start, 119))
        found = crops_of(ScoreJob(short_clip, short_clip, labels), plan, tmp_path / "eyes", said.append)
        assert set(found.state) == {OPEN, CLOSED}
        assert found.readable.all()
    assert said == ["nap.mp4: finding the eyes"] * 2
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "eyes").iterdir()} == {0o600}


def test_fail__labels_of_another_clip_and_a_damaged_file_are_one_line(short_clip: Path, tmp_path: Path) -> None:
    plan = build.load_plan(build.Request())
    job = ScoreJob(short_clip, short_clip, labels_of(500, ("eyes_closed", 60, 119)))
    with pytest.raises(LabelError, match="500 are labelled"):
        crops_of(job, plan, tmp_path, lambda _: None)
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(LabelError, match="delete it"):
        crops.read_crops(tmp_path / "bad.npz")


def test_ok__the_card_counts_persons_and_closures_and_says_how_it_was_split() -> None:
    table = some_table({"a": [OPEN] * 20 + [CLOSED] * 20, "b": [CLOSED] * 20 + [OPEN] * 20})
    odds = np.where(table.closed, 2.0, -2.0)
    good = figures(odds, np.zeros(len(table)), table)
    bad = figures(-odds, np.zeros(len(table)), table)
    origin = Origin("eyes.onnx", "ab" * 32, "python -m tools.eyes.train --own DIR", "2026-11-29", 1, 9.0)
    text = card(origin, table, table.parts(), Measured("", bad, good), [Measured("the bundled clip", good, good)])
    assert "| a | 1 | 20 | 0 | 20 | 1 |" in text
    assert "| closed called open | 40 of 40 | 0 of 40 |" in text
    assert "by person" in text
    assert "ab" * 32 in text
    assert faults_of(Measured("", bad, good), Measured("", good, good)) == []


def test_fail__a_net_that_is_not_better_or_has_forgotten_is_refused() -> None:
    table = some_table({"a": [OPEN] * 20 + [CLOSED] * 20})
    nothing = np.zeros(len(table))
    good = figures(np.where(table.closed, 2.0, -2.0), nothing, table)
    bad = figures(np.where(table.closed, -2.0, 2.0), nothing, table)
    blind = figures(np.where(table.closed, 2.5, -2.5), nothing + 0.9, table)
    assert "not better" in faults_of(Measured("", good, good), Measured("", good, good))[0]
    assert "forgotten" in faults_of(Measured("", bad, good), Measured("", good, bad))[0]
    assert "hidden" in faults_of(Measured("", good, blind), Measured("", good, good))[0]


def test_ok__the_folder_is_complete_and_the_daemon_loads_it(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    write_folder(EYES, out, lambda path: copy(path, EYES.read_bytes()), "# A card")
    assert {path.name for path in out.iterdir()} == {path.name for path in EYES.parent.iterdir()}
    assert (out / "eyes.md").read_text().startswith("# A card\n\n# The card of the net it started from\n\n## eyes.onnx")
    (tmp_path / "my.yaml").write_text(f"models: {{folder: {out}}}\n")
    build.load_models(build.load_plan(build.Request(tmp_path / "my.yaml")).config)


def test_fail__a_folder_in_use_is_kept_and_a_wrong_net_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    with pytest.raises(UsageError, match="exists already"):
        write_folder(EYES, tmp_path / "used", lambda path: copy(path, b"x"), "")
    with pytest.raises(ModelError):
        write_folder(EYES, tmp_path / "new", lambda path: copy(path, b"x"), "")
    assert [path.name for path in tmp_path.iterdir()] == ["used"]


def refused(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run the command, which must refuse; return its last line."""
    pytest.importorskip("torch", reason="needs torch, which is not installed")
    pytest.importorskip("onnx", reason="needs onnx, which is not installed")
    monkeypatch.setattr(sys, "argv", ["train", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        train.main()
    assert stop.value.code in (1, 2)
    lines = capfd.readouterr().err.splitlines()
    assert "Traceback" not in "".join(lines)
    return lines[-1]


def test_fail__wrong_folders_nets_and_labels_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, short_clip: Path
) -> None:
    mine = tmp_path / "mine"
    line = refused(monkeypatch, capfd, "--own", mine, "--out", tmp_path / "out")
    assert line.startswith(f"error: {mine}: cannot read this folder")
    line = refused(monkeypatch, capfd, "--own", mine, "--start", tmp_path / "no.onnx", "--out", tmp_path / "out")
    assert "no.onnx" in line
    line = refused(
        monkeypatch, capfd, "--own", mine, "--start", EYES.parent / "landmarks.onnx", "--out", tmp_path / "o"
    )
    assert "landmarks.onnx" in line
    mine.mkdir()
    (mine / "nap.mp4").symlink_to(short_clip)
    (mine / "nap.json").write_text(json.dumps({**nap_labels(), "frames": 7}))
    line = refused(monkeypatch, capfd, "--own", mine, "--out", tmp_path / "out")
    assert "no clip with usable labels" in line
    (mine / "nap.json").write_text(json.dumps(nap_labels()))
    assert "label more" in refused(monkeypatch, capfd, "--own", mine, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_fail__without_torch_the_command_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(sys, "argv", ["train", "--own", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        train.main()
    assert stop.value.code == 2
    assert "pip install -e '.[train]'" in capfd.readouterr().err
