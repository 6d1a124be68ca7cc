"""The pure parts: headers of YUV4MPEG2, lengths of raw pictures, clocks, and the syntax of `camera.source`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.capture.child.length_check import LengthCheck
from driver_monitor.capture.child.picture_clock import OLDEST_S, PictureClock, parse_time
from driver_monitor.capture.child.picture_format import PictureFormat, parse_header, raw_format, square
from driver_monitor.capture.decoded_picture import full_range
from driver_monitor.config.camera_program import CameraProgram, RawPictures, camera_program
from driver_monitor.errors import SourceError


@pytest.mark.parametrize(
    ("line", "size", "extra", "limited", "rate"),
    [
        (b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420jpeg\n", "640x480", 153600, True, 30.0),
        (b"YUV4MPEG2 C420 W640 H480 Ip F30000:1001 A0:0\n", "640x480", 153600, True, pytest.approx(29.97, abs=0.001)),
        (b"YUV4MPEG2 W320 H240 F25:1 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=FULL\n", "320x240", 38400, False, 25.0),
        (b"YUV4MPEG2 W33 H35 F0:0\n", "33x35", 2 * 17 * 18, True, None),
        (b"YUV4MPEG2 W64 H64 Cmono\n", "64x64", 0, False, None),
        (b"YUV4MPEG2 W64 H64 Cmono XCOLORRANGE=LIMITED\n", "64x64", 0, True, None),
        (b"YUV4MPEG2 W64 H64 C422\n", "64x64", 64 * 64, True, None),
        (b"YUV4MPEG2 W64 H64 C444\n", "64x64", 2 * 64 * 64, True, None),
        (b"YUV4MPEG2 W64 H64 C411\n", "64x64", 2 * 16 * 64, True, None),
    ],
)
def test_ok__a_header_says_all_about_the_pictures(
    line: bytes, size: str, extra: int, limited: bool, rate: float | None
) -> None:
    form = parse_header(line, "cam")
    assert (form.size, form.colour_bytes, form.limited, form.rate) == (size, extra, limited, rate)
    assert form.bytes == 6 + form.width * form.height + extra


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "does not write a YUV4MPEG2 stream; let"),
        (b"RIFF\x00\x01\x02", "does not write"),
        (b"Setting pipeline to PAUSED ...\n", "it begins with 'Setting pipeline to PAUSED ...'"),
        (b"YUV4MPEG2 W640\n", "no size"),
        (b"YUV4MPEG2 Wx H480\n", "no size"),
        (b"YUV4MPEG2 W8 H8\n", "too small"),
        (b"YUV4MPEG2 W99999 H99999\n", "too large"),
        (b"YUV4MPEG2 W640 H480 C420p10\n", "kind 420p10; make it give 420 or mono"),
        (b"YUV4MPEG2 W640 H480 C444alpha\n", "kind 444alpha"),
        (b"YUV4MPEG2 W640 H480 Cmono16\n", "kind mono16"),
    ],
)
def test_fail__another_header_is_refused_with_the_reason(line: bytes, reason: str) -> None:
    with pytest.raises(SourceError) as error:
        parse_header(line, "cam")
    assert reason in str(error.value)
    assert str(error.value).isprintable()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.booleans())
def test_ok__no_header_ends_anything(tail: bytes, begins: bool) -> None:
    try:
        form = parse_header((b"YUV4MPEG2 " if begins else b"") + tail, "cam")
    except SourceError as error:
        text = str(error)
    else:
        text = form.size
    assert text.isprintable()


def test_ok__pixels_that_are_not_square_are_made_square() -> None:
    assert square(parse_header(b"YUV4MPEG2 W352 H288 A5:4\n", "cam").aspect) == (1.25, 1.0)
    assert square(0.5) == (1.0, 2.0)
    assert square(parse_header(b"YUV4MPEG2 W352 H288 A0:0\n", "cam").aspect) == (1.0, 1.0)


def test_ok__levels_of_video_are_stretched_as_those_of_clips() -> None:
    grey = np.tile(np.arange(256, dtype=np.uint8), (40, 3))
    # The rows of a decoder's plane have padding between them, which belongs to nobody.
    padded = np.pad(grey, ((0, 0), (0, 64)), constant_values=77)
    expected = np.clip(np.round((grey.astype(np.float64) - 16) * 255 / 219), 0, 255)
    assert np.array_equal(full_range(padded[:, :-64]), expected)
    assert (padded[:, -64:] == 77).all()
    full_range(grey, into=grey)
    assert np.array_equal(grey, expected)


@pytest.mark.parametrize(("pixels", "size"), [("gray8", 4096), ("i420", 6144), ("nv12", 6144)])
def test_ok__raw_pictures_have_the_length_of_their_format(pixels: str, size: int) -> None:
    assert raw_format(RawPictures(64, 64, pixels), "cam").bytes == size


def test_ok__the_likely_size_of_a_wrong_length() -> None:
    form = raw_format(RawPictures(640, 480, "i420"), "cam")
    assert form.likely_size(320 * 240 * 3 // 2) == ", as of 320x240"
    assert form.likely_size(1280 * 720 * 3 // 2) == ", as of 1280x720"
    assert form.likely_size(1234) == ""


def first_verdict(check: LengthCheck, offsets: list[int]) -> int | None:
    return next((found for offset in offsets if (found := check.pause(offset)) is not None), None)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 3))
def test_ok__any_other_length_is_found_by_its_pauses_and_the_right_one_never(true: int, asked: int, late: int) -> None:
    check = LengthCheck(asked * 1000)
    offsets = [true * 1000 * number for number in range(30) if late == 0 or number % (late + 2)]
    found = first_verdict(check, offsets)
    assert found == (None if true == asked else true * 1000)
    assert check.confirmed == (true == asked)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=60))
def test_ok__a_reader_that_is_late_now_and_then_finds_no_wrong_length(bursts: list[int]) -> None:
    check, offset, offsets = LengthCheck(1000), 0, []
    for burst in bursts:
        offset += 1000 * burst
        offsets.append(offset)
    longest = max(len(run) for run in "".join(map(str, bursts)).replace("1", " ").split(" "))
    if longest < 8:
        assert first_verdict(check, offsets) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 1999), min_size=1, max_size=60, unique=True))
def test_ok__a_network_that_pauses_anywhere_is_no_wrong_length(distances: list[int]) -> None:
    check, offset = LengthCheck(1000), 0
    for distance in distances:
        offset += distance
        found = check.pause(offset)
        assert found is None or any(other % found == 0 for other in distances if other != found)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 0.3), st.booleans()), min_size=1, max_size=80), st.floats(-1e6, 1e6))
def test_ok__times_of_the_sensor_never_go_back_and_never_lie_in_the_future(
    delays: list[tuple[float, bool]], begin: float
) -> None:
    clock, last = PictureClock(), -np.inf
    arrival = 1000.0
    for number, (delay, told) in enumerate(delays):
        arrival = max(arrival, 1000.0 + number / 30 + delay)
        t = clock.at(begin + number / 30 if told else None, arrival)
        assert last <= t <= arrival
        assert arrival - t <= OLDEST_S + 1e-6
        last = t


def test_ok__the_least_delay_connects_the_clocks_and_pictures_held_back_keep_no_other_back() -> None:
    clock = PictureClock()
    assert clock.at(0.0, 500.2) == 500.2
    clock.begin()
    delays = [0.020, 0.050, 0.021, 0.010, 0.020]
    times = [clock.at(number / 30, 500.0 + number / 30 + delay) for number, delay in enumerate(delays, 1)]
    assert times[:3] == pytest.approx([500.02 + number / 30 for number in (1, 2, 3)])
    assert times[3:] == pytest.approx([500.01 + number / 30 for number in (4, 5)])


def test_ok__a_sensor_clock_that_jumps_is_followed() -> None:
    clock = PictureClock()
    for number in range(30):
        clock.at(number / 30, 500.0 + number / 30)
    after_sleep = [clock.at(900.0 + number / 30, 502.0 + number / 30) for number in range(3)]
    assert after_sleep == pytest.approx([502.0 + number / 30 for number in range(3)])
    back = [clock.at(number / 30, 503.0 + number / 30) for number in range(3)]
    assert back == pytest.approx([503.0 + number / 30 for number in range(3)])


@pytest.mark.parametrize(
    ("line", "seconds"),
    [(b"0.000", 0.0), (b"33.312", 0.033312), (b"# timecode format v2", None), (b"", None), (b"nan", None), (b"x", None),
     (b"inf", None), (b"\xff", None)],
)  # fmt: skip
def test_ok__lines_of_the_times(line: bytes, seconds: float | None) -> None:
    assert parse_time(line) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("source", "program", "name"),
    [
        ("rpicam", CameraProgram("rpicam"), "rpicam"),
        ("rpicam:1", CameraProgram("rpicam", 1), "rpicam:1"),
        ("nvargus:0", CameraProgram("nvargus", 0), "nvargus:0"),
        ("pipe:/opt/a --b 'c d' $HOME", CameraProgram("pipe", None, ("/opt/a", "--b", "c d", "$HOME")), "pipe:a"),
        ("pipe:raw:64x48:gray8:cam", CameraProgram("pipe", None, ("cam",), RawPictures(64, 48, "gray8")), "pipe:cam"),
        ("pipe:raw", CameraProgram("pipe", None, ("raw",)), "pipe:raw"),
    ],
)  # fmt: skip
def test_ok__the_syntax_of_camera_programs(source: str, program: CameraProgram, name: str) -> None:
    found = camera_program(source)
    assert found == program
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("source", ["0", "/dev/video0", "demo", "rtsp://rpicam/x", "rpicam.mp4", "pipe", "./rpicam"])
def test_ok__other_sources_are_no_camera_programs(source: str) -> None:
    assert camera_program(source) is None


@pytest.mark.parametrize(
    "source",
    ["pipe:", "pipe: ", "pipe:''", "pipe:a 'b", "pipe:raw:640x480:cam", "pipe:raw:0x480:gray8:cam",
     "pipe:raw:640x480:rgb:cam", "pipe:raw:640x480:gray8:", "pipe:raw:640:gray8:cam", "rpicam:", "rpicam:one"],
)  # fmt: skip
def test_fail__a_wrong_camera_program_is_one_line_without_the_command(source: str) -> None:
    with pytest.raises(ValueError, match=r"pipe|rpicam") as error:
        camera_program(source)
    assert "\n" not in str(error.value)


def test_ok__the_form_of_a_picture_with_a_mark() -> None:
    assert PictureFormat(64, 64, 10, b"FRAME\n").bytes == 4096 + 16
