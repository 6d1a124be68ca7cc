"""A board that is hot or has a weak supply: what is known of it, what is given up, and that the eyes never are."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.status import status_line
from driver_monitor.board.fewer_frames import LEAST_HZ, FewerFrames
from driver_monitor.board.ladder import COOLER_C, DOWN_S, EARLY_C, HELD_S, UP_S, Ladder
from driver_monitor.board.raspberry_pi import ASK_S, SLOWS_AT_C, PiFlags, ask_vcgencmd
from driver_monitor.board.reading import BoardReading
from driver_monitor.board.sensors import OTHERS_SLOW_AT_C, BoardReader, Sensors
from driver_monitor.board.throttling import JetsonEvents, clock_is_lowered
from driver_monitor.cli.watch import status_text
from driver_monitor.data.observation import EXPRESSIONS, Expression
from driver_monitor.imaging.frame import Frame
from tests.drive import Drive
from tests.timeline import attentive, shut

ANGRY = Expression(dict.fromkeys(EXPRESSIONS, 0.0) | {"anger": 1.0})
COOL, WARM, HOT = (BoardReading(degrees, SLOWS_AT_C) for degrees in (50.0, SLOWS_AT_C - EARLY_C, SLOWS_AT_C))
WEAK = BoardReading(50.0, SLOWS_AT_C, under_voltage=True, supply="5 V and 3 A or more")


def put(root: Path, files: dict[str, object]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")


# A Raspberry Pi


def pi(root: Path, *answers: bytes | None) -> Sensors:
    """A Raspberry Pi. `answers`: of `vcgencmd`, one after the other."""
    put(root, {"model": "Raspberry Pi 4 Model B Rev 1.4\0"})
    told = iter(answers)
    return Sensors(root, root / "model", lambda: next(told))


FIRMWARE = "devices/platform/soc/soc:firmware/get_throttled"
PI_5_FIRMWARE = "devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"


@pytest.mark.parametrize("place", [FIRMWARE, PI_5_FIRMWARE])
@pytest.mark.parametrize(
    ("flags", "weak", "slower"),
    [
        ("0", False, False),
        ("50005", True, True),
        ("0x50005", True, True),
        ("20002", False, True),
        ("e0006", False, True),
        ("80008", False, False),
        ("f0000", False, False),
    ],
)
def test_ok__the_flags_of_now_count_and_neither_those_of_the_past_nor_the_soft_limit(
    place: str, flags: str, weak: bool, slower: bool, tmp_path: Path
) -> None:
    put(tmp_path, {place: flags, "class/thermal/thermal_zone0/temp": 61500, "class/thermal/thermal_zone0/type": "cpu"})
    found = pi(tmp_path).read(0.0)
    assert (found.under_voltage, found.throttled) == (weak, slower)
    assert (found.temperature_c, found.slows_at_c) == (61.5, SLOWS_AT_C)
    assert "5 V and 3 A or more" in found.supply


@pytest.mark.parametrize(("alarm", "weak"), [(1, True), (0, False)])
def test_ok__the_alarm_of_the_kernel_tells_of_a_weak_supply(alarm: int, weak: bool, tmp_path: Path) -> None:
    put(tmp_path, {"class/hwmon/hwmon0/name": "cpu_thermal", "class/hwmon/hwmon0/in0_lcrit_alarm": 1})
    put(tmp_path, {"class/hwmon/hwmon1/name": "rpi_volt", "class/hwmon/hwmon1/in0_lcrit_alarm": alarm})
    found = pi(tmp_path, None).read(0.0)
    assert (found.under_voltage, found.throttled) == (weak, None)


def test_ok__vcgencmd_is_asked_where_the_kernel_does_not_tell_and_rarely(tmp_path: Path) -> None:
    sensors = pi(tmp_path, b"throttled=0x50005\n", b"throttled=0x0\n")
    told = {now: sensors.read(now).throttled for now in (0.0, 1.0, ASK_S - 0.1, ASK_S, ASK_S + 1)}
    assert list(told.values()) == [True, True, True, False, False]


@pytest.mark.parametrize("answer", [None, b"", b"throttled=\n", b"error=1 error_msg=no\n", b"throttled=0xgg\n"])
def test_fail__without_an_answer_of_vcgencmd_the_flags_are_unknown(answer: bytes | None, tmp_path: Path) -> None:
    found = pi(tmp_path, answer).read(0.0)
    assert (found.under_voltage, found.throttled) == (None, None)


def program(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "vcgencmd"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_ok__the_program_vcgencmd_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, 'echo "throttled=0x50000"; test "$1" = get_throttled', monkeypatch)
    assert ask_vcgencmd() == b"throttled=0x50000\n"
    assert PiFlags(tmp_path).read(0.0) == (False, False)


@pytest.mark.parametrize("text", ["exit 1", "exec sleep 60"])
def test_fail__a_vcgencmd_that_fails_or_hangs_gives_nothing(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driver_monitor.board.raspberry_pi.ANSWER_S", 0.2)
    program(tmp_path, text, monkeypatch)
    assert ask_vcgencmd() is None
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert ask_vcgencmd() is None


def test_ok__only_a_raspberry_pi_is_asked(tmp_path: Path) -> None:
    put(tmp_path, {FIRMWARE: "50005"})
    found = Sensors(tmp_path, tmp_path / "none", lambda: pytest.fail("asked")).read(0.0)
    assert (found.under_voltage, found.throttled, found.slows_at_c) == (None, None, OTHERS_SLOW_AT_C)


# A Jetson


def events(root: Path, *counts: int) -> None:
    names = {f"class/hwmon/hwmon3/oc{number}_event_cnt": count for number, count in enumerate(counts, 1)}
    put(root, {"class/hwmon/hwmon3/name": "soctherm_oc", **names})


def test_ok__events_since_the_last_reading_count_and_short_peaks_do_not(tmp_path: Path) -> None:
    counted, found = JetsonEvents(tmp_path), []
    for counts in [(4, 7, 100), (4, 7, 900), (5, 7, 901), (5, 9, 902), (5, 9, 903)]:
        events(tmp_path, *counts)
        found.append(counted.read())
    assert found == [(None, None), (False, False), (True, False), (False, True), (False, False)]


@pytest.mark.parametrize(
    ("devices", "lowered"),
    [
        ({"cpufreq-cpu0": 0, "devfreq-17000000.gpu": 0}, False),
        ({"pwm-fan": 3, "cpufreq-cpu0": 0}, False),
        ({"cpufreq-cpu0": 2}, True),
        ({"cpu-throttle-alert": 1, "cpufreq-cpu0": 0}, True),
        ({"pwm-fan": 3}, None),
        ({}, None),
    ],
    ids=str,
)
def test_ok__a_cooling_device_that_lowers_a_clock_is_no_fan(
    devices: dict[str, int], lowered: bool | None, tmp_path: Path
) -> None:
    for number, (kind, state) in enumerate(devices.items()):
        folder = f"class/thermal/cooling_device{number}"
        put(tmp_path, {f"{folder}/type": kind, f"{folder}/cur_state": state})
    assert clock_is_lowered(tmp_path) is lowered


def test_ok__a_jetson_is_read_with_its_own_limit(tmp_path: Path) -> None:
    zone = "class/thermal/thermal_zone0"
    put(tmp_path, {"model": "NVIDIA Jetson Orin Nano Developer Kit\0", f"{zone}/type": "cpu-thermal"})
    put(tmp_path, {f"{zone}/temp": 63625, f"{zone}/trip_point_0_type": "passive", f"{zone}/trip_point_0_temp": 99000})
    events(tmp_path, 0, 0, 5)
    sensors = Sensors(tmp_path, tmp_path / "model")
    assert sensors.read(0.0) == BoardReading(63.625, 99.0, None, None)
    events(tmp_path, 1, 0, 50)
    assert sensors.read(1.0) == BoardReading(63.625, 99.0, True, True)


# The ladder


def played(*readings: tuple[BoardReading, float]) -> tuple[list[tuple[float, int]], list[str]]:
    """Play readings, one a second, each for some seconds. Return when the step changed, and what was said."""
    ladder, now, steps, said = Ladder(), 0.0, [(0.0, 0)], list[str]()
    for reading, seconds in readings:
        for _ in range(round(seconds)):
            said += ladder.update(reading, now)
            if ladder.step != steps[-1][1]:
                steps.append((now, ladder.step))
            now += 1.0
    return steps, said


def test_ok__a_hot_board_gives_up_expressions_first_and_then_frames_and_takes_them_back() -> None:
    steps, said = played((COOL, 5), (HOT, 60), (COOL, 200))
    assert steps == [(0, 0), (5 + UP_S, 1), (6 + 2 * UP_S, 2), (65 + DOWN_S, 1), (66 + 2 * DOWN_S, 0)]
    fewer = "expressions are not read and fewer frames are used; the eyes are watched as before"
    cooler = "give it air, a heat sink or a fan"
    assert said == [
        f"the board at 80 °C needs less work, step 1: expressions are not read; everything else is as before; {cooler}",
        f"the board at 80 °C needs less work, step 2: {fewer}; {cooler}",
        "the board at 50 °C has recovered to step 1: expressions are not read; everything else is as before",
        "the board at 50 °C has recovered to step 0: expressions and all frames are used again",
    ]


def test_ok__a_warm_board_keeps_its_frames() -> None:
    assert played((WARM, 600))[0] == [(0, 0), (UP_S, 1)]


@pytest.mark.parametrize("cooler_c", [0.5, COOLER_C])
def test_ok__a_board_between_two_steps_does_not_change_to_and_fro(cooler_c: float) -> None:
    almost = BoardReading(SLOWS_AT_C - EARLY_C - cooler_c, SLOWS_AT_C)
    steps, _ = played((WARM, 12), *[(almost, 30), (WARM, 30)] * 20)
    assert steps == [(0, 0), (UP_S, 1)]


def test_ok__a_hot_moment_gives_nothing_up() -> None:
    assert played(*[(HOT, UP_S), (COOL, 1)] * 10) == ([(0, 0)], [])


@pytest.mark.parametrize("unknown", [BoardReading(), BoardReading(None, None, False, False)])
def test_ok__unknown_is_neither_hot_nor_cool(unknown: BoardReading) -> None:
    steps, _ = played((unknown, 100), (HOT, 12), (unknown, 500), (COOL, 70))
    assert steps == [(0, 0), (100 + UP_S, 1), (612 + DOWN_S, 0)]


def test_ok__a_board_that_has_lowered_its_clock_works_less() -> None:
    slow = BoardReading(50.0, SLOWS_AT_C, throttled=True)
    fast = BoardReading(50.0, SLOWS_AT_C, throttled=False)
    steps, said = played((fast, 3), (slow, 30), (fast, 300))
    assert [step for _, step in steps] == [0, 1, 2, 1, 0]
    assert said[0] == (
        "the board has lowered its clock, because it is too hot or its supply is too weak; "
        "give it air, a heat sink or a fan, and check its supply"
    )
    assert sum("full clock again" in line for line in said) == 1


def test_ok__a_weak_supply_is_said_once_with_what_to_do_though_it_fails_for_moments_only() -> None:
    normal = BoardReading(50.0, SLOWS_AT_C, under_voltage=False)
    steps, said = played((normal, 5), *[(WEAK, 1), (normal, HELD_S / 2)] * 10, (normal, 300))
    assert [step for _, step in steps] == [0, 1, 0]
    assert said[0] == ("under-voltage: the board may slow down, lose its camera or stop; use 5 V and 3 A or more")
    less = "the board at 50 °C needs less work, step 1: expressions are not read; everything else is as before"
    assert said[1] == f"{less}; use the power supply of its maker", "the supply is named by the reading of that moment"
    assert said[-2:] == [
        "the voltage of the board is enough again",
        "the board at 50 °C has recovered to step 0: expressions and all frames are used again",
    ]
    assert len(said) == 4


def test_ok__what_is_not_known_at_first_is_unknown() -> None:
    ladder = Ladder()
    assert (ladder.under_voltage.value, ladder.throttled.value, ladder.step) == (None, None, 0)
    ladder.update(BoardReading(50.0, SLOWS_AT_C, None, False), 0.0)
    assert (ladder.under_voltage.value, ladder.throttled.value) == (None, False)


@given(
    st.lists(
        st.builds(
            BoardReading,
            st.none() | st.floats(-20, 120),
            st.none() | st.just(SLOWS_AT_C),
            st.none() | st.booleans(),
            st.none() | st.booleans(),
        ),
        max_size=300,
    )
)
def test_ok__whatever_is_read_the_steps_change_one_by_one_and_stay_for_their_time(readings: list[BoardReading]) -> None:
    steps, said = played(*((reading, 1) for reading in readings))
    for (t, step), (later, following) in pairwise(steps):
        assert abs(following - step) == 1
        assert 0 <= following <= 2
        assert later - t >= (UP_S if following > step else DOWN_S)
    assert all("\n" not in line for line in said)


# The frames


@pytest.mark.parametrize(
    ("rate", "used"), [(60, 30), (30, 15), (25, 15), (20, 15), (16, 15), (15, 15), (10, 10), (5, 5)]
)
@pytest.mark.parametrize("jitter_s", [0.0, 0.02])
def test_ok__half_of_the_frames_are_used_but_not_fewer_than_15_a_second(rate: int, used: int, jitter_s: float) -> None:
    frames, seconds = FewerFrames(), 20
    times = sorted(number / rate + jitter_s * (number * 7 % 5 - 2) / 2 for number in range(rate * (seconds + 3)))
    taken = [t for t in times if frames.uses(t, t >= 3.0)]
    assert [t for t in taken if t < 3.0] == [t for t in times if t < 3.0]
    assert len([t for t in taken if t >= 3.0]) / seconds == pytest.approx(used, abs=0.35)
    longest = max(later - t for t, later in pairwise(taken))
    assert longest <= 2 / min(rate, 2 * LEAST_HZ) + 2 * jitter_s + 1e-6


def test_ok__after_a_pause_or_with_another_camera_all_frames_are_used_until_the_rate_is_known() -> None:
    frames = FewerFrames()
    assert all(frames.uses(t / 30, False) for t in range(90))
    assert sum(frames.uses(3 + t / 30, True) for t in range(30)) in (15, 16)
    assert all(frames.uses(60 + t / 30, True) for t in range(30))
    assert all(frames.uses(t / 30, True) for t in range(30))


# The daemon


class Hot(Drive):
    """A drive on a board that gives a reading a second."""

    def __init__(self, reading: BoardReading, seconds: float = 60.0) -> None:
        super().__init__(attentive(seconds - 20), shut(3), attentive(17))
        self.paused: list[bool] = []
        self.daemon._board = lambda: reading
        self.daemon.parts.pipeline.pause_expressions = self.paused.append
        self.processed: list[float] = []
        observe = self.cabin.observe

        def counted(*arguments):  # type: ignore[no-untyped-def]
            self.processed.append(self.cabin.now)
            return observe(*arguments)

        self.cabin.observe = counted  # type: ignore[method-assign]


def test_ok__a_hot_board_reads_no_expressions_uses_fewer_frames_and_still_warns_of_closed_eyes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    drive = Hot(HOT)
    drive.run()
    board = drive.out.statuses[-1]["board"]
    assert board == {"temperature_c": 80.0, "under_voltage": None, "throttled": None, "step": 2}
    assert drive.out.statuses[-1]["heat_c"] == 80.0
    assert (drive.paused[0], drive.paused[-1]) == (False, True)
    assert caplog.text.count("needs less work, step") == 2
    assert ("microsleep", "raised") in drive.rules()
    late = [t for t in drive.processed if t > drive.processed[0] + 30]
    assert len(late) / (late[-1] - late[0]) == pytest.approx(15, abs=0.5), "of 20 frames a second"
    assert any("board: step 2 of 2 given up" in line for line in drive.systemd.lines)


@pytest.mark.parametrize(
    ("board", "words"),
    [
        (None, ""),
        ("junk", ""),
        ({}, ""),
        ({"temperature_c": 50.0, "under_voltage": False, "throttled": None, "step": 0}, ""),
        ({"under_voltage": True, "step": 1}, "board: under-voltage: use a stronger power supply, step 1 of 2 given up"),
        ({"throttled": True, "step": 2}, "board: clock lowered, step 2 of 2 given up"),
        ({"throttled": 1, "step": "2"}, ""),
    ],
)
def test_ok__watch_and_systemd_show_what_is_wrong_with_the_board(board: object, words: str) -> None:
    status = {"light": "day", "attention": "unknown", "camera": {"state": "ok"}, "degraded": None, "board": board}
    assert status_line({**status, "active": []}) == "; ".join(filter(None, ["driver: unknown; camera: ok", words]))
    assert str(status_text(status)) == ", ".join(filter(None, ["status: camera ok, light day", words]))


def test_ok__a_cool_board_gives_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    drive = Hot(COOL)
    drive.run()
    assert drive.out.statuses[-1]["board"]["step"] == 0
    assert not any(drive.paused)
    assert len(drive.processed) == drive.cabin.captured
    assert "board" not in caplog.text


def test_ok__an_alert_about_an_expression_ends_when_expressions_are_not_read_any_more() -> None:
    drive = Hot(WARM)
    observe = drive.cabin.observe

    def angry(*arguments):  # type: ignore[no-untyped-def]
        seen = observe(*arguments)
        return seen if drive.paused[-1:] == [True] else replace(seen, expression=ANGRY)

    drive.cabin.observe = angry  # type: ignore[method-assign]
    drive.run()
    distress = [alert for alert in drive.out.alerts if alert["rule"] == "distress"]
    assert [alert["phase"] for alert in distress] == ["raised", "cleared"]
    assert "expressions are not read while the board has to work less" in distress[-1]["message"]
    assert "distress" not in drive.out.statuses[-1]["active"]
    assert ("microsleep", "raised") in drive.rules(), "the eyes are watched"


def test_ok__the_nets_of_the_daemon_read_no_expression_while_paused(still: Path) -> None:
    plan = build.load_plan(Request())
    pipeline = build.build_pipeline(plan, build.load_models(plan.config), still=True)
    image = cv2.imread(str(still), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    read = []
    for number, paused in enumerate([False, True, True, False]):
        pipeline.pause_expressions(paused)
        moved = np.roll(image, 8 * number, axis=1).astype(np.uint8)  # else it is a repeated picture
        seen = pipeline.step(Frame(moved, float(number), number, "still")).observation
        assert seen.eyes is not None
        read.append(seen.expression is not None)
    assert read == [True, False, False, True]


def test_fail__a_reader_that_hangs_delays_no_frame() -> None:
    release = threading.Event()
    drive = Hot(COOL, 25.0)

    def read(_: float) -> BoardReading:
        release.wait(30)
        return HOT

    reader = BoardReader(read)
    drive.daemon._board = reader.latest
    drive.run()
    reader.close()
    assert drive.out.statuses[-1]["board"]["temperature_c"] is None
    release.set()
