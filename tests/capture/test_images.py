from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from driver_monitor.capture.decoded_picture import JpegDecoder
from driver_monitor.capture.recordings import images
from driver_monitor.capture.recordings.images import FolderCamera, list_images, read_image
from driver_monitor.errors import SourceError
from driver_monitor.imaging.library_messages import collect_decoder_messages
from tests.capture.clips import number_in, picture_of


def save(path: Path, image: object) -> Path:
    ok, data = cv2.imencode(path.suffix, np.asarray(image))
    assert ok
    path.write_bytes(data.tobytes())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as error:
        read_image(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_ok__a_colour_picture_is_bgr_and_a_grey_one_stays_grey(tmp_path: Path) -> None:
    colour = np.zeros((40, 60, 3), np.uint8)
    colour[..., 2] = 200
    assert np.array_equal(read_image(save(tmp_path / "colour.png", colour)), colour)
    grey = picture_of(3, grey=True)
    assert np.array_equal(read_image(save(tmp_path / "größe 1.png", grey)), grey)


def test_ok__transparency_is_left_out(tmp_path: Path) -> None:
    image = np.dstack([picture_of(2), np.full((64, 96), 128, np.uint8)])
    assert np.array_equal(read_image(save(tmp_path / "alpha.png", image)), picture_of(2))


@pytest.mark.parametrize(("bits", "brightest"), [(10, 1023), (12, 4095), (16, 65535)])
def test_ok__a_picture_of_more_than_8_bits_is_scaled_by_its_own_depth(
    tmp_path: Path, bits: int, brightest: int
) -> None:
    image = np.linspace(0, brightest, 64 * 96).astype(np.uint16).reshape(64, 96)
    read = read_image(save(tmp_path / f"{bits}.png", image))
    assert read.dtype == np.uint8
    assert (read.min(), read.max()) == (0, 255)
    assert np.array_equal(read, image >> (bits - 8))


def test_fail__pictures_that_cannot_be_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("hello")
    cut = save(tmp_path / "cut.jpg", picture_of(1))
    cut.write_bytes(cut.read_bytes()[:-30])
    cut_png = save(tmp_path / "cut.png", np.random.default_rng(1).integers(0, 255, (64, 64), np.uint8))
    cut_png.write_bytes(cut_png.read_bytes()[:60])
    assert "is empty" in refusal(tmp_path / "empty.png")
    assert "is not a picture" in refusal(tmp_path / "text.png")
    assert "cut off" in refusal(cut)
    refusal(cut_png)
    assert "check the path" in refusal(tmp_path / "gone.png")
    assert "check the path" in refusal(tmp_path)
    assert capfd.readouterr().err == "", "OpenCV and libpng print nothing"


def whole_jpeg(*options: int) -> bytes:
    """A JPEG of a street of grey blocks: each half of it has something to lose."""
    blocks = np.kron(np.random.default_rng(1).integers(0, 255, (25, 25), np.uint8), np.ones((8, 8), np.uint8))
    return bytes(cv2.imencode(".jpg", blocks, options)[1])


BASELINE, PROGRESSIVE = (), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
RESTARTS = (cv2.IMWRITE_JPEG_RST_INTERVAL, 4)
END = b"\xff\xd9"
DAMAGE = {
    "the second half is missing": lambda data: data[: len(data) // 2] + END,
    "the second half is zeros": lambda data: data[: len(data) // 2].ljust(len(data) - 2, b"\0") + END,
    "a block in the middle is missing": lambda data: data[: len(data) // 2] + data[len(data) // 2 + 512 :],
    "wrong markers in the middle": lambda data: data[: len(data) // 2] + b"\xff\xd3" * 10 + data[len(data) // 2 + 20 :],
    "another picture from the middle on": lambda data: (
        data[: len(data) // 2] + whole_jpeg(cv2.IMWRITE_JPEG_QUALITY, 20)[700:]
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kind", [BASELINE, RESTARTS], ids=["baseline", "restarts"])
def test_fail__a_jpeg_with_a_damaged_part_is_no_picture(
    tmp_path: Path, damage: str, kind: tuple[int, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scratch.jpg"
    path.write_bytes(DAMAGE[damage](whole_jpeg(*kind)))
    assert "only partly readable" in refusal(path)
    assert capfd.readouterr().err == ""


def test_fail__a_progressive_jpeg_that_is_cut_off_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "scratch.jpg"
    path.write_bytes(DAMAGE["the second half is missing"](whole_jpeg(*PROGRESSIVE)))
    assert "only partly readable" in refusal(path)


def test_fail__damage_is_found_without_stderr_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then libjpeg tells nobody what it has found."""
    monkeypatch.setattr(images, "damage", lambda messages: None)
    path = tmp_path / "scratch.jpg"
    path.write_bytes(DAMAGE["the second half is missing"](whole_jpeg()))
    assert "only partly readable" in refusal(path)


@pytest.mark.parametrize("kind", [BASELINE, RESTARTS, PROGRESSIVE], ids=["baseline", "restarts", "progressive"])
@pytest.mark.parametrize("extra", ["nothing", "text after it", "a second picture after it", "a comment in it"])
def test_ok__a_whole_jpeg_is_read_whatever_a_camera_adds(tmp_path: Path, kind: tuple[int, ...], extra: str) -> None:
    data = whole_jpeg(*kind)
    comment = b"\xff\xfe\x00\x08camera"
    more = {"nothing": data, "text after it": data + b"\0maker" * 9, "a second picture after it": 2 * data}
    path = tmp_path / "good.jpg"
    path.write_bytes(more.get(extra, data[:2] + comment + data[2:]))
    assert read_image(path).shape == (200, 200)


def test_ok__a_kind_of_jpeg_that_ffmpeg_does_not_know_is_not_called_damaged() -> None:
    data = bytearray(whole_jpeg())
    assert not JpegDecoder().damaged(bytes(data))
    frame_header = data.index(b"\xff\xc0")
    data[frame_header + 1] = 0xC9  # arithmetic coding, ITU-T T.81, table B.1
    assert not JpegDecoder().damaged(bytes(data))


def test_ok__lines_of_others_on_stderr_during_decoding_are_kept(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with collect_decoder_messages() as messages:
        os.write(2, b"<4>an alert\nlibpng warning: iCCP: known incorrect sRGB profile\n<4>and another\n")
    assert messages == ["libpng warning: iCCP: known incorrect sRGB profile"]
    assert capfd.readouterr().err == "<4>an alert\n<4>and another\n"


def test_fail__a_pipe_is_refused_without_reading_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "is not a regular file" in refusal(tmp_path / "pipe.png")
    assert "is not a regular file" in refusal(Path("/dev/zero"))


def test_fail__too_small_and_too_large(tmp_path: Path) -> None:
    assert "31x40 pixels is too small" in refusal(save(tmp_path / "icon.png", np.zeros((40, 31), np.uint8)))
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "bomb.png").write_bytes(bomb)
    assert "60000x60000 pixels is too large" in refusal(tmp_path / "bomb.png")


def test_fail__floating_point_pictures(tmp_path: Path) -> None:
    assert "float32" in refusal(save(tmp_path / "float.tiff", np.ones((64, 64), np.float32)))


def test_ok__a_folder_is_a_clip_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        save(tmp_path / f"frame{number}.png", picture_of(number))
    (tmp_path / "labels.csv").write_text("not a picture")
    (tmp_path / ".hidden.png").write_text("not a picture")
    with FolderCamera(tmp_path, fps=10) as camera:
        assert (camera.frames, camera.live, camera.name) == (3, False, tmp_path.name)
        frames = list(iter(camera.read, None))
    assert [number_in(frame.image) for frame in frames] == [1, 2, 10]
    assert [(frame.sequence, frame.t, frame.t_mono) for frame in frames] == [
        (0, 0.0, None),
        (1, 0.1, None),
        (2, 0.2, None),
    ]


def test_ok__every_second_picture_keeps_its_number(tmp_path: Path) -> None:
    for number in range(5):
        save(tmp_path / f"{number}.png", picture_of(number))
    with FolderCamera(tmp_path, fps=10, every=2) as camera:
        assert camera.frames == 3
        assert [(f.sequence, number_in(f.image), f.t) for f in iter(camera.read, None)] == [
            (0, 0, 0.0),
            (2, 2, 0.2),
            (4, 4, 0.4),
        ]


def test_ok__in_real_time_pictures_come_at_their_times(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / f"{number}.png", picture_of(number))
    waits: list[float] = []
    with FolderCamera(tmp_path, fps=10, pace="real_time", monotonic=lambda: 5.0, wait=waits.append) as camera:
        assert [frame.t_mono for frame in iter(camera.read, None)] == [5.0] * 3
    assert waits == pytest.approx([0.1, 0.2])


@pytest.mark.parametrize("fault", ["text", "empty", "pipe", "loop", "folder", "half"])
def test_ok__a_damaged_picture_in_a_folder_is_named_and_left_out(
    tmp_path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (1, 2, 4):
        save(tmp_path / f"{number}.png", picture_of(number))
    bad = tmp_path / "3.png"
    if fault == "text":
        bad.write_text("oops")
    elif fault == "empty":
        bad.touch()
    elif fault == "pipe":
        os.mkfifo(bad)
    elif fault == "loop":
        bad.symlink_to(bad)
    elif fault == "half":
        bad = tmp_path / "3.jpg"
        bad.write_bytes(DAMAGE["the second half is zeros"](whole_jpeg()))
    else:
        bad.mkdir()
    with FolderCamera(tmp_path, fps=10) as camera:
        shown = [(frame.sequence, round(frame.t, 3), number_in(frame.image)) for frame in iter(camera.read, None)]
        assert camera.facts() == (10, "option", 4, 4, 1)
    assert shown == [(0, 0.0, 1), (1, 0.1, 2), (3, 0.3, 4)]
    [record] = caplog.records
    assert record.getMessage().startswith(f"{bad}: ")
    assert "\n" not in record.getMessage()


def test_fail__a_folder_without_one_picture_that_can_be_read(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_text("oops")
    with FolderCamera(tmp_path, fps=10) as camera, pytest.raises(SourceError, match="no picture in this folder"):
        camera.read()


def test_fail__a_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no pictures in this folder"):
        list_images(tmp_path)
    with pytest.raises(SourceError, match="cannot read this folder"):
        list_images(tmp_path / "gone")
