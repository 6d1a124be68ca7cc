"""Which clips a batch is about: lists, shards, and conditions on labels and earlier runs."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.bench.batch.clip_list import read_list
from driver_monitor.bench.batch.jobs import jobs_of
from driver_monitor.bench.batch.shard import Shard
from driver_monitor.bench.runs.run_folder import clip_id
from driver_monitor.errors import UsageError
from tests.bench.batches import make_clips, runs
from tests.conftest import PROGRAM, Cli


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1)), st.integers(1, 50))
def test_ok__each_clip_is_in_exactly_one_share(names: list[str], count: int) -> None:
    for name in names:
        assert [Shard(number, count).has(Path(name)) for number in range(1, count + 1)].count(True) == 1


def test_ok__shares_are_about_equal_and_do_not_depend_on_where_the_clips_lie(tmp_path: Path) -> None:
    shares = []
    for mount in ("a", "b/c"):
        clips = tmp_path / mount / "clips"
        for index in range(100):
            (clips / f"day{index % 3}").mkdir(parents=True, exist_ok=True)
            (clips / f"day{index % 3}/{index}.mp4").touch()
        out = tmp_path / "out"
        jobs = [jobs_of([clips], out, shard=Shard(number, 4))[0] for number in (1, 2, 3, 4)]
        shares.append([{job.folder.relative_to(out) for job in share} for share in jobs])
    assert shares[0] == shares[1]
    assert all(15 <= len(share) <= 35 for share in shares[0])
    assert len(set.union(*shares[0])) == 100


def test_ok__the_folders_of_a_share_are_those_of_the_whole_batch(tmp_path: Path) -> None:
    for name in ("a/cam.mp4", "b/cam.mp4"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    clips = [tmp_path / "a/cam.mp4", tmp_path / "b/cam.mp4"]
    whole, _ = jobs_of(clips, tmp_path / "out")
    shared = [job for number in (1, 2, 3) for job in jobs_of(clips, tmp_path / "out", shard=Shard(number, 3))[0]]
    assert sorted(shared, key=str) == sorted(whole, key=str)
    assert whole[1].folder.name == f"cam-{clip_id(clips[1])}"


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "1/0", "a/b", "1/3/5", "-1/3", "1/100000", "", "²/3"])
def test_fail__a_share_that_does_not_exist_is_refused(command: Cli, text: str) -> None:
    outcome = command("replay", "trip.mp4", "--shard", text)
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert "expected NUMBER/COUNT, such as 3/10" in outcome.lines[0]


def test_ok__two_shares_of_a_batch_do_all_of_it_once(command: Cli, tmp_path: Path) -> None:
    make_clips(tmp_path / "clips", 6)
    for number in (1, 2):
        before = runs(Path("out"))
        assert command("replay", "clips", "--out", "out", "--shard", f"{number}/2", "--resume").code == 0
        assert before.items() <= runs(Path("out")).items()
        assert Path(f"out/batch-{number}-of-2.jsonl").exists()
    assert len(runs(Path("out"))) == 6


def test_ok__a_list_names_clips_relative_to_itself(command: Cli, tmp_path: Path) -> None:
    make_clips(tmp_path / "trips", 3)
    (tmp_path / "trips/list.txt").write_text(
        f"\ufeff# two days\n\n day0/clip00.mp4 \r\nday1\n{tmp_path}/trips/day0/clip02.mp4\nday0/clip00.mp4\n"
    )
    assert command("replay", "--list", "trips/list.txt", "--out", "out").code == 0
    # What lies below the list keeps its path.
    assert sorted(runs(Path("out"))) == ["clip02", "day0/clip00", "day1/clip01"]


def test_ok__a_list_comes_through_standard_input(tmp_path: Path) -> None:
    make_clips(tmp_path / "trips", 2)
    program = [*PROGRAM, "replay", "--list", "-", "--out", "out"]
    names = "trips/day0/clip00.mp4\ntrips/day1/clip01.mp4\n"
    subprocess.run(program, cwd=tmp_path, input=names, text=True, check=True, stdout=subprocess.DEVNULL)
    assert sorted(runs(tmp_path / "out")) == ["trips/day0/clip00", "trips/day1/clip01"]


def test_ok__file_names_in_a_list_are_bytes(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"Fahrt_\xfc\xff.mp4\n")
    assert [clip.name for clip in read_list(tmp_path / "list.txt").clips] == ["Fahrt_\udcfc\udcff.mp4"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot read this list"), (b"# nothing\n\n", "names no clips"), (b"\0\1\2", "not a list of clips")],
)
def test_fail__a_list_that_is_none_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        read_list(tmp_path / "list.txt")


def test_fail__a_listed_clip_that_is_missing_is_one_line_and_the_others_are_replayed(
    command: Cli, tmp_path: Path
) -> None:
    clip = make_clips(tmp_path, 1)[0]
    Path("list.txt").write_text(f"gone.mp4\n{clip}\n")
    outcome = command("replay", "--list", "list.txt", "--out", "out")
    assert outcome.code == 1
    assert outcome.lines == ["gone.mp4: no such file; check the path"]
    assert sorted(runs(Path("out"))) == ["clip00"]


def test_fail__without_clips_and_list_nothing_is_guessed(command: Cli) -> None:
    outcome = command("replay")
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert "no clips given; name clips or folders, or a file with --list" in outcome.lines[0]


@pytest.fixture
def labelled(command: Cli, tmp_path: Path) -> Path:
    """Three clips: of anna with a yawn, of anna with closed eyes, and one without labels."""
    clips = make_clips(tmp_path / "clips", 3)
    (tmp_path / "labels").mkdir()
    for clip, kind in zip(clips, ("yawn", "eyes_closed"), strict=False):
        events = [{"type": kind, "start": 0, "end": 3}]
        values = {"person": "anna", "fps": 20, "frames": 5, "events": events}
        (tmp_path / f"labels/{clip.stem}.json").write_text(json.dumps(values))
    return tmp_path / "clips"


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (["label=yawn"], ["day0/clip00"]),
        (["person=anna"], ["day0/clip00", "day1/clip01"]),
        (["person=anna", "label=eyes_closed"], ["day1/clip01"]),
    ],
)
def test_ok__conditions_on_labels_choose_clips(
    command: Cli, labelled: Path, where: list[str], names: list[str]
) -> None:
    options = [word for one in where for word in ("--where", one)]
    assert command("replay", labelled, "--out", "out", "--labels", "labels", *options).code == 0
    assert sorted(runs(Path("out"))) == names


def test_ok__a_condition_on_a_rule_chooses_by_the_earlier_run(command: Cli, short_clip: Path, tmp_path: Path) -> None:
    make_clips(tmp_path / "clips", 1)
    shutil.copy(short_clip, "clips/nap.mp4")
    assert command("replay", "clips", "--out", "out").code == 0
    before = runs(Path("out"))
    assert command("replay", "clips", "--out", "out", "--where", "rule=microsleep").code == 0
    after = runs(Path("out"))
    assert [name for name in after if after[name] != before[name]] == ["nap"]


@pytest.mark.parametrize(
    ("where", "code", "reason"),
    [
        (["rule"], 2, "expected label=TYPE, person=NAME or rule=NAME"),
        (["mood=bad"], 2, "expected label=TYPE, person=NAME or rule=NAME"),
        (["label=yaw"], 2, "no such type of label; there are blink,"),
        (["label=yawn"], 2, "need --labels FOLDER"),
        (["label=yawn", "--labels", "empty"], 1, "no labels (.json files) in this folder"),
        (["person=otto", "--labels", "labels"], 2, "none of 3 clips fits"),
        (["rule=microsleep"], 2, "none of 3 clips fits"),
    ],
)
def test_fail__a_condition_that_cannot_be_used_is_one_line(
    command: Cli, labelled: Path, where: list[str], code: int, reason: str
) -> None:
    Path("empty").mkdir()
    outcome = command("replay", labelled, "--out", "out", "--where", *where)
    assert (outcome.code, len(outcome.lines)) == (code, 1)
    assert reason in outcome.lines[0]
    assert not Path("out").exists()


def test_fail__labels_that_are_wrong_are_a_line_and_the_others_choose(command: Cli, labelled: Path) -> None:
    Path("labels/clip02.json").write_text("{")
    outcome = command("replay", labelled, "--out", "out", "--labels", "labels", "--where", "label=yawn")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert "clip02.json" in outcome.lines[0]
    assert sorted(runs(Path("out"))) == ["day0/clip00"]
