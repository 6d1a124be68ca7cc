"""Streams over a real socket on the loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from driver_monitor.capture.url import UrlCamera, without_password
from driver_monitor.errors import SourceError
from tests.capture.clips import number_in, picture_of, write_clip


@contextmanager
def peer(data: bytes, *, hang: bool = False) -> Iterator[str]:
    """A TCP server that sends `data` to the first caller, then hangs up, or stays silent until the test is over."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                caller, _ = server.accept()
            except OSError:
                return
            with caller:
                caller.sendall(data)
                if hang:
                    over.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Raw MJPEG, as `rpicam-vid --codec mjpeg` sends it, with a sensor's noise so that it is as large."""
    noise = np.random.default_rng(5)
    pictures = [
        np.clip(picture_of(number, width=320, height=240) + noise.normal(0, 20, (240, 320, 3)), 0, 255).astype(np.uint8)
        for number in range(20)
    ]
    path = tmp_path_factory.mktemp("stream") / "live.mjpeg"
    return write_clip(path, pictures, codec="mjpeg", pix_fmt="yuvj420p").read_bytes()


def test_ok__a_live_stream_gives_frames_on_the_monotonic_clock_until_it_ends(stream: bytes) -> None:
    ticks = iter(range(1000))
    with peer(stream) as url, UrlCamera(url, monotonic=lambda: float(next(ticks))) as camera:
        assert (camera.name, camera.live, camera.frames) == (url, True, None)
        frames = [camera.read() for _ in range(20)]
        with pytest.raises(SourceError, match="the stream ended"):
            camera.read()
    assert [number_in(frame.image) for frame in frames if frame] == list(range(20))
    assert [(frame.t, frame.t_mono, frame.sequence) for frame in frames[:3] if frame] == [
        (0, 0, 0),
        (1, 1, 1),
        (2, 2, 2),
    ]


def test_fail__a_peer_that_stops_sending_is_an_error(stream: bytes) -> None:
    enough_to_open = stream * 3
    with peer(enough_to_open, hang=True) as url, UrlCamera(url, read_timeout_s=0.3) as camera:
        assert sum(camera.read() is not None for _ in range(59)) == 59
        with pytest.raises(SourceError, match=r"broke off \(no answer in time\)"):
            [camera.read() for _ in range(2)]


def test_fail__a_peer_that_never_sends_is_an_error() -> None:
    with peer(b"", hang=True) as url, pytest.raises(SourceError, match="cannot be opened"):
        UrlCamera(url, open_timeout_s=0.3, read_timeout_s=0.3)


def test_fail__a_closed_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(SourceError, match=rf"tcp://127\.0\.0\.1:{port}: cannot be opened \(connection refused\)"):
        UrlCamera(f"tcp://127.0.0.1:{port}")


def test_fail__no_video_at_the_other_end() -> None:
    with peer(b"hello driver\n" * 500) as url, pytest.raises(SourceError) as error:
        UrlCamera(url)
    assert str(error.value).startswith(url)


def test_fail__a_password_is_never_shown() -> None:
    secret = "rtsp://admin:s3cret@127.0.0.1:1/stream?token=t0ken"
    assert without_password(secret) == "rtsp://127.0.0.1:1/stream"
    with pytest.raises(SourceError) as error:
        UrlCamera(secret)
    assert "s3cret" not in str(error.value)
    assert "t0ken" not in str(error.value)


def test_ok__a_clip_on_a_web_server_ends_like_a_clip(tmp_path: Path) -> None:
    clip = write_clip(
        tmp_path / "clip.mp4", [picture_of(number) for number in range(6)], options={"movflags": "faststart"}
    ).read_bytes()
    answer = b"HTTP/1.0 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n" % len(clip)
    with peer(answer + clip) as url, UrlCamera(url.replace("tcp", "http") + "/clip.mp4", pace="fast") as camera:
        assert (camera.live, camera.frames) == (False, 6)
        frames = list(iter(camera.read, None))
    assert [round(frame.t, 3) for frame in frames] == [0.0, 0.05, 0.1, 0.15, 0.2, 0.25]
    assert {frame.t_mono for frame in frames} == {None}


@pytest.mark.parametrize("fault", ["cut off", "damaged"])
def test_fail__a_recording_on_a_web_server_that_lacks_frames_says_so_like_a_clip(
    tmp_path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "clip.mp4"
    data = bytearray(
        write_clip(path, [picture_of(n) for n in range(20)], codec="mjpeg", pix_fmt="yuvj420p",
                   options={"movflags": "faststart"}).read_bytes()
    )  # fmt: skip
    if fault == "cut off":
        del data[len(data) * 3 // 4 :]
    else:
        picture = data.index(b"\xff\xd8\xff", len(data) // 2)
        data[picture + 700 : picture + 800] = b"\xff\xd3" * 50
    answer = b"HTTP/1.0 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n" % len(data)
    with peer(answer + data) as url, UrlCamera(url.replace("tcp", "http") + "/clip.mp4", pace="fast") as camera:
        frames = list(iter(camera.read, None))
        assert 10 <= len(frames) < 20
        assert camera.read() is None
        assert camera.warning is not None
        assert f"ends after {len(frames)} frames" in camera.warning
        assert ("20 frames were announced" if fault == "cut off" else "1 damaged packets") in camera.warning
    assert [record.getMessage() for record in caplog.records] == [camera.warning]
