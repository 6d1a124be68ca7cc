from __future__ import annotations

import threading

import numpy as np
import pytest

from driver_monitor.capture.fake import FakeCamera
from driver_monitor.errors import SourceError
from tests.capture.clips import number_in, picture_of


def test_ok__it_plays_its_pictures_at_its_times_and_ends() -> None:
    with FakeCamera([picture_of(0), picture_of(1), picture_of(2)], times=[0.0, 0.5], live=False) as camera:
        frames = list(iter(camera.read, None))
    assert camera.frames == 2
    assert [(number_in(frame.image), frame.t, frame.t_mono) for frame in frames] == [(0, 0.0, None), (1, 0.5, None)]
    assert camera.closed


def test_ok__a_function_and_a_rate_never_end() -> None:
    camera = FakeCamera(picture_of, times=10.0, monotonic=lambda: 3.0)
    frames = [camera.read() for _ in range(5)]
    assert camera.frames is None
    assert [(number_in(f.image), f.t, f.t_mono) for f in frames if f][-1] == (4, 0.4, 3.0)


def test_ok__faults_come_at_the_given_frames() -> None:
    camera = FakeCamera(picture_of, faults={1: "frozen", 2: "lost", 4: "hang"})
    first, second = camera.read(), camera.read()
    assert first is not None
    assert second is not None
    assert np.array_equal(first.image, second.image)
    with pytest.raises(SourceError, match="lost at frame 2"):
        camera.read()
    third = camera.read()
    assert third is not None
    assert (third.sequence, number_in(third.image)) == (3, 3)
    reader = threading.Thread(target=camera.read)
    reader.start()
    camera.close()
    reader.join(10)
    assert not reader.is_alive()
