"""Every wrong input gives one line on stderr (what, where, what to do) and the right exit code."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from driver_monitor.app.build import NET_FILES
from driver_monitor.config import resources
from driver_monitor.demo import CLIP
from tests.conftest import PROGRAM, Cli, Outcome
from tests.tiny_onnx import copying_model


def one_line(outcome: Outcome, code: int, *words: str) -> None:
    lines = outcome.err.splitlines()
    assert outcome.code == code, outcome
    assert len(lines) == 1, outcome.err
    for word in words:
        assert word in lines[0]


def config(text: str) -> Path:
    path = Path("my.yaml")
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("camera: {sorce: 0}", ("my.yaml:1: camera.sorce: unknown key",)),
        ("gpio: {led_pin: red}", ("my.yaml:1: gpio.led_pin: expected a whole number, without quotes", "'red'")),
        ("camera: {fps: -1}", ("my.yaml:1: camera.fps: must be at least 1", "-1")),
        ("profile: nobody", ("nobody", "default")),
    ],
)
@pytest.mark.parametrize("verb", [("config", "check"), ("run", "--config"), ("replay", "x.mp4", "--config")])
def test_fail__a_wrong_configuration(command: Cli, verb: tuple[str, ...], text: str, words: tuple[str, ...]) -> None:
    one_line(command(*verb, config(text)), 2, *words)


def test_fail__a_missing_configuration(command: Cli) -> None:
    one_line(command("run", "--config", "none.yaml"), 2, "none.yaml", "No such file")


def truncated(path: Path) -> None:
    path.write_bytes(CLIP.read_bytes()[:20_000])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, ("no such file",)),
        (lambda path: path.write_text("not a clip"), ("cannot be opened as a video",)),
        (lambda path: path.touch(), ("is empty",)),
        (truncated, ("trip.mp4",)),
    ],
    ids=["missing", "foreign", "empty", "truncated"],
)
@pytest.mark.parametrize("verb", [("replay",), ("run", "--source")])
def test_fail__a_file_that_is_not_a_clip(
    command: Cli, verb: tuple[str, ...], make: Callable[[Path], object], words: tuple[str, ...]
) -> None:
    make(Path("trip.mp4"))
    one_line(command(*verb, "trip.mp4"), 1, "trip.mp4", *words)
    assert not list(Path().glob("replay/**/*.*"))


def test_fail__one_bad_clip_of_two_is_reported_and_the_other_is_replayed(command: Cli, short_clip: Path) -> None:
    outcome = command("replay", "missing.mp4", short_clip, "--out", "out")
    one_line(outcome, 1, "missing.mp4: no such file")
    assert [path.name for path in sorted(Path("out", short_clip.stem).iterdir())] == [
        "events.jsonl",
        "run.json",
        "signals.jsonl",
    ]


def test_fail__a_folder_of_images_without_a_rate(command: Cli) -> None:
    Path("stills").mkdir()
    one_line(command("replay", "stills"), 2, "stills", "--fps")


def test_fail__results_that_cannot_be_written(command: Cli, short_clip: Path) -> None:
    Path("out").touch()
    one_line(command("replay", short_clip, "--out", "out"), 1, "cannot write", "--out")


@pytest.mark.parametrize("name", sorted(file for net, file in NET_FILES.items() if net != "detector"))
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "cannot read the model"),
        (lambda path: path.write_bytes(path.read_bytes()[:1000]), "damaged or exchanged"),
        (lambda path: path.write_text("no model"), "damaged or exchanged"),
        (
            lambda path: path.write_bytes(
                copying_model({"input_img": (1, 6, 320, 160)}, {"outputs": (1, 6, 320, 160)})
            ),
            "damaged or exchanged",
        ),
    ],
    ids=["missing", "truncated", "foreign", "other inputs"],
)
@pytest.mark.parametrize("verb", [("run", "--source", "demo"), ("replay", "trip.mp4"), ("inspect", "x.png")])
def test_fail__a_model_file_that_is_not_the_model(
    command: Cli, verb: tuple[str, ...], name: str, spoil: Callable[[Path], object], words: str
) -> None:
    shutil.copytree(resources.path("models"), "models")
    spoil(Path("models", name))
    shutil.copy(CLIP, "trip.mp4")
    outcome = command(*verb, "--config", config("models: {folder: models}\nzmq: {enabled: false}"))
    one_line(outcome, 1, f"models/{name}", words, "reinstall driver-monitor")


@pytest.mark.parametrize(
    ("source", "word"),
    [("nowhere.mp4", "no such file"), ("ftp://host/x", "not supported"), ("rtsp://[::1", "not an address"),
     ("/dev/null", "is not a V4L2 camera"), ("/dev/shm", "V4L2"), ("stills", "no pictures in this folder")],
)  # fmt: skip
def test_fail__a_source_that_no_waiting_can_mend(command: Cli, source: str, word: str) -> None:
    Path("stills").mkdir()
    one_line(command("run", "--source", source), 1, source.partition("[")[0][:3], word)


def test_fail__a_port_in_use(command: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = command("run", "--source", "demo", "--config", config(f"zmq: {{bind: 'tcp://127.0.0.1:{port}'}}"))
    one_line(outcome, 1, f"127.0.0.1:{port}", "in use", "zmq.bind")


def test_fail__an_unreadable_still_is_reported_and_the_others_are_inspected(command: Cli, still: Path) -> None:
    Path("torn.png").write_bytes(still.read_bytes()[:100])
    outcome = command("inspect", "torn.png", still, "none.png", "--json")
    assert outcome.code == 1
    assert outcome.out.count("\n") == 3
    assert outcome.out.count('"error"') == 2
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["replay"], "driver-monitor replay: no clips given; name clips or folders"),
        (["flap"], "driver-monitor: No such command 'flap'"),
        (["run", "--what"], "driver-monitor run: No such option: --what"),
        (["replay", "x.mp4", "--everyy", "3"], "No such option: --everyy (Possible options: --every)"),
        (["replay", "x.mp4", "--fps"], "Option '--fps' requires an argument"),
        (["score", "flap"], "driver-monitor score: No such command 'flap'"),
        (["explain", "a", "b\nc"], "unexpected extra argument"),
        (["config", "check", "a", "b"], "driver-monitor config check: Got unexpected extra argument"),
    ],
)
def test_fail__wrong_use_is_one_line_that_names_the_help(command: Cli, words: list[str], reason: str) -> None:
    one_line(command(*words), 2, reason, "; see `driver-monitor", "--help`")


@pytest.mark.parametrize("words", [["--help"], ["replay", "--help"], ["--version"]])
def test_ok__asking_for_help_is_no_fault(command: Cli, words: list[str]) -> None:
    outcome = command(*words)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out


@pytest.mark.parametrize("words", [[], ["score"], ["config"]])
def test_ok__a_command_without_its_verb_shows_the_help(command: Cli, words: list[str]) -> None:
    outcome = command(*words)
    one_line(outcome, 2, "no command given")
    assert "Usage: driver-monitor" in outcome.out


@pytest.mark.parametrize(
    ("option", "text", "wanted"),
    [
        ("--fps", "abc", "a number from 0.1 to 1000"),
        ("--fps", "nan", "a number from 0.1 to 1000"),
        ("--every", "1.5", "a whole number from 1 to 1000"),
        ("--jobs", "257", "a whole number from 1 to 256"),
    ],
)
def test_fail__an_option_that_is_no_number_of_its_range(command: Cli, option: str, text: str, wanted: str) -> None:
    outcome = command("replay", "x.mp4", option, text)
    one_line(outcome, 2, f"Invalid value for '{option}': expected {wanted}, found '{text}'")


def test_ok__a_damaged_picture_in_a_folder_is_one_line_and_the_others_keep_their_times(
    command: Cli, still: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Path("trip").mkdir()
    picture = cv2.imread(str(still))
    assert picture is not None
    cv2.imwrite("trip/0.png", picture)
    cv2.imwrite("trip/2.png", picture[:, ::-1])
    Path("trip/1.png").write_bytes(still.read_bytes()[:500])
    assert command("replay", "trip", "--fps", "10", "--out", "out").code == 0
    (line,) = caplog.messages
    assert line.startswith("trip/1.png: ")
    seen = [json.loads(line) for line in Path("out/trip/signals.jsonl").read_text().splitlines()]
    assert [(one["frame"], one["t"]) for one in seen] == [(0, 0.0), (2, 0.2)]
    run = json.loads(Path("out/trip/run.json").read_text())
    assert (run["kind"], run["frames"], run["damaged"], run["warnings"]) == ("images", 2, 1, [line])


def test_ok__a_clip_whose_name_is_all_dots_stays_inside_the_folder(command: Cli, short_clip: Path) -> None:
    shutil.copy(short_clip, "...mp4")
    assert command("replay", "...mp4", "--out", "in/out").code == 0
    assert sorted(str(path) for path in Path("in").glob("**/*.jsonl")) == [
        "in/out/...mp4/events.jsonl",
        "in/out/...mp4/signals.jsonl",
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("verb", [("config", "dump"), ("config", "schema")])
def test_fail__an_output_on_a_full_disk(verb: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*PROGRAM, *verb], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "the output: No space left on device; check disk and permissions\n"


def test_ok__a_terminal_with_ascii_only_works(short_clip: Path, tmp_path: Path) -> None:
    odd = tmp_path / "Fahrt_\u00fc\u2192.mp4"
    shutil.copy(short_clip, odd)
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [*PROGRAM, "replay", str(odd), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "microsleep raised" in done.stdout


def test_fail__the_error_without_a_home_folder_names_the_setting(
    command: Cli, short_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    one_line(command("run", "--source", short_clip), 1, "service.state_dir")


ODD = "a\nb \x1b[31m.mp4"
SHOWN = "a\\nb \\x1b[31m.mp4"


@pytest.mark.parametrize(
    "verb",
    [
        ["replay"],
        ["run", "--source"],
        ["inspect"],
        ["explain"],
        ["score", "eyes"],
        ["score", "clips", "--labels", "labels"],
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_fail__an_error_is_one_line_whatever_the_name_of_the_file(command: Cli, verb: list[str], there: bool) -> None:
    """Such a name must not write a second line, nor a colour, into a terminal or a log."""
    Path("labels").mkdir()
    Path("labels", f"{Path(ODD).stem}.json").write_text('{"person": "p", "fps": 20, "frames": 1, "events": []}')
    if there:
        Path(ODD).write_text("no clip")
    outcome = command(*verb, ODD)
    assert outcome.code > 0
    assert "\x1b" not in outcome.err
    assert len(outcome.lines) == 1
    assert SHOWN in outcome.err


def test_fail__a_folder_of_such_files_is_a_line_each(command: Cli) -> None:
    Path("trips").mkdir()
    for name in (ODD, f"2{ODD}"):
        Path("trips", name).write_text("no clip")
        Path("trips", f"loop {name}").symlink_to(f"loop {name}")
    outcome = command("replay", "trips")
    assert outcome.code == 1
    assert len(outcome.lines) == 4
    assert all(SHOWN in line for line in outcome.lines)


@pytest.mark.parametrize("verb", [["replay"], ["run", "--source"]])
def test_fail__an_empty_name_is_not_the_working_folder(command: Cli, short_clip: Path, verb: list[str]) -> None:
    """A script whose variable is not set gives one."""
    shutil.copy(short_clip, "trip.mp4")
    outcome = command(*verb, "")
    assert outcome.code > 0
    assert len(outcome.lines) == 1
    assert "name" in outcome.err
