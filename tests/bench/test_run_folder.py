"""Results belong together: one folder for each clip and run, whole or not there, never over another clip's."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.bench.batch.jobs import name_of
from driver_monitor.bench.runs import run_folder
from driver_monitor.bench.runs.run_folder import RunFolder, choose, clip_id, may_replace
from driver_monitor.capture.recordings.clip import ClipCamera
from driver_monitor.demo import CLIP
from driver_monitor.errors import OutputError
from tests.capture.clips import write_clip as write_mjpeg
from tests.conftest import PROGRAM, Cli
from tests.processes import still_runs
from tests.tiny_onnx import copying_model


def run_of(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return loaded


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def trips(tmp_path: Path, short_clip: Path) -> Path:
    """Two clips of one name in folders of their own: cut differently, so that they are told apart."""
    for name in ("a", "b"):
        (tmp_path / "trips" / name).mkdir(parents=True)
        shutil.copy(short_clip, tmp_path / "trips" / name / "cam.mp4")
    with (tmp_path / "trips/b/cam.mp4").open("ab") as file:
        file.write(bytes(8))
    return tmp_path / "trips"


def test_ok__run_json_says_what_was_run_with_what_and_how_it_went(command: Cli, short_clip: Path) -> None:
    assert command("replay", short_clip, "--out", "out", "--every", "2", "--profile", "quiet").code == 0
    run = run_of(Path("out/nap"))
    event = json.loads(Path("out/nap/events.jsonl").read_text().splitlines()[0])
    assert (run["state"], run["kind"], run["clip"], run["sha256"]) == ("complete", "clip", "nap.mp4", event["trip"])
    assert (run["model"], run["config"], run["profile"]) == (event["model"], event["config"], "quiet")
    assert (run["every"], run["fps"], run["trace"], run["vehicle_sha256"]) == (2, None, False, None)
    assert (run["frame_rate"], run["frame_rate_from"]) == (20, "stream")
    assert (run["frames"], run["announced"], run["missing"], run["damaged"], run["warnings"]) == (60, 120, 0, 0, [])


def test_ok__where_the_frame_rate_comes_from_is_in_run_json(command: Cli, short_clip: Path) -> None:
    with ClipCamera(short_clip) as camera:
        frames = [frame.image for frame in itertools.islice(iter(camera.read, None), 6)]
    write_mjpeg(Path("raw.mjpeg"), frames, codec="mjpeg", pix_fmt="yuvj420p")
    assert command("replay", "raw.mjpeg", "--out", "out").code == 0
    run = run_of(Path("out/raw"))
    assert (run["frame_rate"], run["frame_rate_from"]) == (25, "assumed")
    assert ["frame rate is unknown" in line for line in run["warnings"]] == [True]
    assert command("replay", "raw.mjpeg", "--out", "out", "--fps", "20").code == 0
    run = run_of(Path("out/raw"))
    assert (run["frame_rate"], run["frame_rate_from"], run["fps"], run["warnings"]) == (20, "option", 20, [])


def test_ok__equal_runs_write_equal_bytes_wherever_they_are_started(command: Cli, trips: Path) -> None:
    for clip, out in (("a/cam.mp4", "one"), (trips / "a/cam.mp4", trips / "two")):
        os.chdir(trips)
        assert command("replay", clip, "--out", out, "--trace").code == 0
    one, two = trips / "one/cam", trips / "two/cam"
    assert names(one) == ["events.jsonl", "replay.trace.jsonl.gz", "run.json", "signals.jsonl"]
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names(one))


def test_ok__a_rerun_replaces_the_whole_folder(command: Cli, short_clip: Path) -> None:
    assert command("replay", short_clip, "--out", "out", "--trace").code == 0
    before = (Path("out/nap/events.jsonl")).read_bytes()
    assert command("replay", short_clip, "--out", "out").code == 0
    assert names(Path("out")) == ["nap"]
    assert names(Path("out/nap")) == ["events.jsonl", "run.json", "signals.jsonl"]
    assert Path("out/nap/events.jsonl").read_bytes() == before


def test_ok__two_clips_of_one_name_never_overwrite_each_other_in_one_run_or_in_two(command: Cli, trips: Path) -> None:
    a, b = trips / "a/cam.mp4", trips / "b/cam.mp4"
    other = f"cam-{clip_id(b)}"
    for clips in ([a], [b], [b, a], [a, b]):
        assert command("replay", *clips, "--out", "out").code == 0
        sha = {name: run_of(Path("out", name))["sha256"] for name in names(Path("out")) if name != "batch.jsonl"}
        assert set(sha) == ({"cam"} if clips == [a] else {"cam", other})
    assert sha["cam"] != sha[other]
    assert command("replay", a, b, "--out", "fresh").code == 0
    assert names(Path("fresh")) == ["batch.jsonl", "cam", other]


def test_ok__clips_of_a_folder_keep_their_path_below_it(command: Cli, trips: Path) -> None:
    assert command("replay", trips, "--out", "out").code == 0
    assert command("replay", trips / "b", "--out", "part").code == 0
    assert sorted(str(path.parent) for path in Path().glob("**/run.json")) == ["out/a/cam", "out/b/cam", "part/cam"]


def test_ok__files_of_others_stay(command: Cli, short_clip: Path) -> None:
    Path("nap").mkdir()
    shutil.copy(short_clip, "nap/nap.mp4")
    Path("out/nap").mkdir(parents=True)
    Path("out/nap/thesis.txt").write_text("mine")
    assert command("replay", "nap/nap.mp4", "--out", ".").code == 0
    assert command("replay", "nap/nap.mp4", "--out", "out").code == 0
    assert names(Path("nap")) == ["nap.mp4"]
    assert names(Path("out/nap")) == ["thesis.txt"]
    own = f"nap-{clip_id(Path('nap/nap.mp4'))}"
    assert run_of(Path(own))["clip"] == run_of(Path("out", own))["clip"] == "nap.mp4"


@pytest.mark.parametrize("fault", ["damaged", "disk"])
def test_fail__a_run_that_fails_leaves_no_older_results_of_its_clip(
    command: Cli, short_clip: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(short_clip, "trip.mp4")
    assert command("replay", "trip.mp4", "--out", "out").code == 0
    if fault == "damaged":
        Path("trip.mp4").write_bytes(b"no clip" * 100)
    else:
        monkeypatch.setattr(run_folder, "_replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    outcome = command("replay", "trip.mp4", "--out", "out")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert list(Path("out").glob("**/*")) == []


@pytest.mark.parametrize("fault", ["no clip", "model", "option"])
def test_ok__a_run_that_cannot_begin_changes_nothing(command: Cli, short_clip: Path, fault: str) -> None:
    shutil.copy(short_clip, "trip.mp4")
    assert command("replay", "trip.mp4", "--out", "out").code == 0
    before = Path("out/trip/run.json").read_bytes()
    options: list[str] = []
    if fault == "no clip":
        Path("trip.mp4").unlink()
    elif fault == "model":
        Path("models").mkdir()
        Path("models/landmarks.onnx").write_bytes(copying_model({"x": (1,)}, {"y": (1,)}))
        Path("my.yaml").write_text("models: {folder: models}")
        options = ["--config", "my.yaml"]
    else:
        options = ["--every", "0"]
    assert command("replay", "trip.mp4", "--out", "out", *options).code > 0
    assert Path("out/trip/run.json").read_bytes() == before


def test_ok__a_killed_run_leaves_the_old_results_and_the_next_one_removes_what_it_left(tmp_path: Path) -> None:
    trip, out = tmp_path / "trip.mp4", tmp_path / "out"
    shutil.copy(CLIP, trip)
    command = [*PROGRAM, "replay", str(trip), "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not list(out.glob(".*.part/signals.jsonl")):
            assert still_runs(process)
        (running,) = out.glob(".*.part/run.json")
        assert json.loads(running.read_text())["state"] == "running"
        process.send_signal(signal.SIGKILL)
    with RunFolder(out / "trip", clip_id(trip)) as folder:
        folder.describe({"clip_id": clip_id(trip)})
        folder.publish()
    assert names(out) == ["trip"]


@pytest.mark.parametrize("name", ["run.json", "signals.jsonl"])
def test_ok__a_pipe_among_old_results_delays_no_run(tmp_path: Path, name: str) -> None:
    clip, out = tmp_path / "trip.mp4", tmp_path / "out"
    (out / "trip").mkdir(parents=True)
    if name != "run.json":
        (out / "trip/run.json").write_text(json.dumps({"clip_id": clip_id(clip)}))
    os.mkfifo(out / "trip" / name)
    place = choose([(clip, Path("trip"))], out)[clip]
    assert place.name == ("trip" if name != "run.json" else f"trip-{clip_id(clip)}")
    with RunFolder(place, clip_id(clip)) as folder:
        folder.describe({"clip_id": clip_id(clip)})
        folder.publish()
    assert run_of(place) == {"clip_id": clip_id(clip)}


def test_ok__two_runs_of_one_clip_at_once_do_not_meet(tmp_path: Path) -> None:
    for _ in range(2):
        with RunFolder(tmp_path / "trip", "12345678") as one, RunFolder(tmp_path / "trip", "12345678") as two:
            for number, folder in enumerate((one, two)):
                with folder.open("signals.jsonl") as file:
                    file.write(f"{number}\n")
                folder.describe({"clip_id": "12345678", "number": number})
            one.publish()
            two.publish()
        assert names(tmp_path) == ["trip"]
        assert run_of(tmp_path / "trip")["number"] == 1
        assert (tmp_path / "trip/signals.jsonl").read_text() == "1\n"


def test_ok__without_an_exchange_of_names_the_old_folder_is_replaced_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_folder, "_exchange", lambda *_: False)
    test_ok__two_runs_of_one_clip_at_once_do_not_meet(tmp_path)


def test_fail__results_that_another_clip_put_there_meanwhile_stay(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "cam", "aaaaaaaa") as one, RunFolder(tmp_path / "cam", "bbbbbbbb") as two:
        one.describe({"clip_id": "aaaaaaaa"})
        two.describe({"clip_id": "bbbbbbbb"})
        one.publish()
        with pytest.raises(OutputError, match="run this one again"):
            two.publish()
    assert run_of(tmp_path / "cam")["clip_id"] == "aaaaaaaa"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"clip_id": 1}', "null", "[" * 100_000])
def test_ok__a_folder_whose_run_json_is_no_run_json_is_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    assert not may_replace(tmp_path, "12345678")


stems = st.lists(st.sampled_from(["a", "b", "a.mp4", "n" * 255]), min_size=1, max_size=3).map("/".join)
endings = st.sampled_from([".mp4", ".avi", ""])


@given(st.lists(st.tuples(stems, endings, st.booleans()), min_size=1, max_size=8, unique=True))
def test_ok__no_two_clips_ever_share_a_folder_or_lie_in_each_others(clips: list[tuple[str, str, bool]]) -> None:
    paths = {Path("/trips") / (stem + ending): below for stem, ending, below in clips}
    places = [
        (path, path.relative_to("/trips").with_suffix("") if below else name_of(path)) for path, below in paths.items()
    ]
    found = list(choose(places, Path("/nowhere")).values())
    assert len({os.path.normpath(path) for path in found}) == len(paths)
    assert not any(one in other.parents for one in found for other in found)
    assert all(len(os.fsencode(path.name)) <= 255 for path in found if len(path.parts) == 3)
