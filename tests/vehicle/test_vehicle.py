"""Messages with speed and ignition, the file beside a clip, and which input the configuration chooses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.replay import replay
from driver_monitor.data.observation import FASTEST_KMH, UNKNOWN_VEHICLE, VehicleData
from driver_monitor.errors import ConfigError, SourceError
from driver_monitor.vehicle.obd import ObdVehicle
from driver_monitor.vehicle.recorded import SUFFIX, RecordedVehicle, beside, open_recorded
from driver_monitor.vehicle.source import (
    STALE_S,
    LatestReport,
    NoVehicle,
    parse,
)
from driver_monitor.vehicle.zmq_vehicle import ZmqVehicle


def test_ok__without_a_source_nothing_is_known() -> None:
    silent = NoVehicle()
    assert silent.at(5.0) == UNKNOWN_VEHICLE == VehicleData(None, None)
    assert silent.counters() == {}


def test_ok__a_value_is_valid_for_two_seconds_and_each_quantity_by_itself() -> None:
    latest = LatestReport()
    latest.take(1.0, VehicleData(87.5, True))
    latest.take(2.0, VehicleData(88.0, None))
    assert latest.at(3.0) == VehicleData(88.0, True)
    assert latest.at(1.0 + STALE_S + 0.5) == VehicleData(88.0, None)
    assert latest.at(2.0 + STALE_S + 0.1) == UNKNOWN_VEHICLE


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "not an object"),
        ('{"speed_kmh": "fast"}', "speed_kmh"),
        ('{"speed_kmh": -1}', "from 0 to 400"),
        ('{"speed_kmh": NaN}', "speed_kmh"),
        ('{"speed_kmh": 1e999}', "speed_kmh"),
        ('{"speed_kmh": true}', "speed_kmh"),
        ('{"ignition": 1}', "ignition"),
        ('{"t": "now"}', "t: expected seconds"),
        ("[" * 100_000, "not JSON"),
        ('{"ignition": ' + "[" * 500 + "]" * 500 + "}", "ignition: expected true or false, found a list or an object"),
        ('{"speed_kmh": 1' + "0" * 400 + "}", "speed_kmh"),
    ],
)
def test_fail__wrong_data_is_reported_with_its_field(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


@given(st.one_of(st.binary(max_size=60), st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5), lambda x: st.dictionaries(st.sampled_from(
        ["speed_kmh", "ignition", "t", "other"]), x)).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_ok__any_message_is_rejected_or_valid(text: bytes) -> None:
    try:
        vehicle, _ = parse(text)
    except ValueError:
        return
    assert vehicle.speed_kmh is None or 0 <= vehicle.speed_kmh <= FASTEST_KMH


def test_ok__a_recorded_drive_is_played_in_the_clips_own_time(tmp_path: Path) -> None:
    path = tmp_path / f"trip{SUFFIX}"
    path.write_text('{"t": 0, "speed_kmh": 10}\n\n{"t": 1.5, "speed_kmh": 50, "ignition": true}\n')
    recorded = RecordedVehicle(path)
    assert [recorded.at(t).speed_kmh for t in (0.0, 1.4, 1.5, 3.4, 3.6)] == [10, 10, 50, 50, None]
    assert beside(tmp_path / "trip.mp4") == path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"t": 1}\n{"t": 0.5}', r":2: t: 0.5 is less than 1"),
        ('{"speed_kmh": 3}', r":1: t: missing"),
        ("\n\nrubbish", r":3: not JSON"),
    ],
)
def test_fail__a_wrong_file_is_reported_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / f"trip{SUFFIX}"
    path.write_text(text)
    with pytest.raises(SourceError, match=reason):
        RecordedVehicle(path)


def test_fail__what_lies_beside_a_clip_and_is_no_file_is_reported_and_not_waited_for(tmp_path: Path) -> None:
    pipe, folder, link = (tmp_path / f"{name}{SUFFIX}" for name in ("pipe", "folder", "link"))
    os.mkfifo(pipe)
    folder.mkdir()
    link.symlink_to(tmp_path / "nowhere")
    for path, reason in ((pipe, "not a regular file"), (folder, "not a regular file"), (link, "No such file")):
        with pytest.raises(SourceError, match=f"{path}: .*{reason}"):
            open_recorded(path.with_name(path.name.replace(SUFFIX, ".mp4")))


def test_ok__a_clip_without_vehicle_data(tmp_path: Path) -> None:
    assert isinstance(open_recorded(tmp_path / "trip.mp4"), NoVehicle)


def test_ok__a_replay_uses_the_file_that_belongs_to_the_clip(short_clip: Path, tmp_path: Path) -> None:
    clip = tmp_path / short_clip.name
    clip.write_bytes(short_clip.read_bytes())
    beside(clip).write_text('{"t": 0, "speed_kmh": 33.3, "ignition": true}')
    done = replay(ReplayJob(clip, tmp_path / "out"), build.load_plan(Request()))
    lines = [json.loads(line) for line in (done.folder / "signals.jsonl").read_text().splitlines()]
    assert lines[0]["car"] == {"speed_kmh": 33.3, "ignition": True}


def test_ok__the_configuration_chooses(tmp_path: Path) -> None:
    kinds = {}
    for text in ("null", "tcp://127.0.0.1:5557", "can:virtual:x", "can:can0"):
        path = tmp_path / "my.yaml"
        path.write_text(f"vehicle: {{input: {text}}}")
        source = build.build_vehicle(build.load_plan(Request(path)))
        kinds[text] = type(source)
        source.close()
        source.close()
    assert list(kinds.values()) == [NoVehicle, ZmqVehicle, ObdVehicle, ObdVehicle]


@pytest.mark.parametrize("text", ["tcp://10.0.0.1:5557", "can0", "'can:'", "'http://127.0.0.1:80'"])
def test_fail__a_speed_from_elsewhere_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(f"vehicle: {{input: {text}}}")
    with pytest.raises(ConfigError, match=r"my.yaml:1: vehicle.input"):
        build.load_plan(Request(path))
