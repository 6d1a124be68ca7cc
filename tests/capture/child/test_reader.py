"""The reader of a pipe: exact numbers of bytes, in parts, with a time limit, at the cost of a bare read."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator

import pytest

from driver_monitor.capture.child.picture_times import PictureTimes
from driver_monitor.capture.child.pipe_reader import PipeReader
from driver_monitor.capture.child.process import PIPE_BYTES

FRAME = 640 * 480 * 3 // 2


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ours, theirs = os.pipe()
    fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    os.set_blocking(ours, False)
    yield ours, theirs
    for descriptor in (ours, theirs):
        os.close(descriptor)


def reader(descriptor: int, paused: Callable[[int], object] = lambda _: None, stop: bool = False) -> PipeReader:
    return PipeReader(descriptor, 0.01, paused, lambda: stop, slice_s=0.01)


@pytest.mark.parametrize("lengths", [[6], [1, 2, 3], [3, 3], [5, 1], [1, 1, 1, 1, 1, 1]])
def test_ok__parts_are_filled_one_after_the_other(pipe: tuple[int, int], lengths: list[int]) -> None:
    parts = [bytearray(length) for length in lengths]
    one = reader(pipe[0])
    for sent in (b"ab", b"cdef"):
        os.write(pipe[1], sent)
        if sent == b"ab":
            assert one.fill([memoryview(bytearray(0)), memoryview(bytearray(1))], 1.0) == 1
            os.write(pipe[1], b"a")
    # "b", "a" and "cdef" are left.
    assert one.fill([memoryview(part) for part in parts], 1.0) == 6
    assert b"".join(parts) == b"bacdef"
    assert one.offset == 7


def test_ok__less_comes_than_asked_for(pipe: tuple[int, int]) -> None:
    pauses: list[int] = []
    one = reader(pipe[0], pauses.append)
    os.write(pipe[1], b"abc")
    begin = time.monotonic()
    assert one.fill([memoryview(bytearray(10))], 0.05) == 3
    assert 0.04 < time.monotonic() - begin < 1.0
    assert not one.ended
    assert pauses == [3], "the pause is noted with its place"


def test_ok__bytes_that_are_there_are_read_also_after_the_limit(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], bytes(100))
    assert reader(pipe[0]).fill([memoryview(bytearray(100))], 0.0) == 100


def test_ok__the_other_end_is_closed() -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"abc")
    os.close(theirs)
    one = reader(ours)
    assert one.fill([memoryview(bytearray(10))], 5.0) == 3
    assert one.ended
    os.close(ours)


def test_ok__a_wait_is_ended_from_outside(pipe: tuple[int, int]) -> None:
    begin = time.monotonic()
    assert reader(pipe[0], stop=True).fill([memoryview(bytearray(10))], 60.0) == 0
    assert time.monotonic() - begin < 1.0


def test_ok__reading_a_picture_costs_little_more_than_the_bare_read(pipe: tuple[int, int]) -> None:
    """Times of the thread, the least of many: other programs do not change them."""
    picture, buffer = bytes(FRAME), [memoryview(bytearray(640 * 480)), memoryview(bytearray(FRAME - 640 * 480))]
    one = reader(pipe[0])

    def least(read: Callable[[], object]) -> float:
        costs = []
        for _ in range(40):
            os.write(pipe[1], picture)
            begin = time.thread_time()
            read()
            costs.append(time.thread_time() - begin)
        return min(costs)

    bare = least(lambda: os.readv(pipe[0], buffer))
    ours = least(lambda: one.fill(buffer, 1.0))
    assert one.calls == 40, "one call for each picture"
    assert ours < 2 * bare + 1e-4


def times_of(lines: bytes, pictures: int) -> PictureTimes:
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    os.write(theirs, lines)
    times = PictureTimes(ours)
    for _ in range(pictures):
        times.next()
    os.close(theirs)
    os.close(ours)
    return times


@pytest.mark.parametrize(
    ("lines", "pictures", "ratio", "doubtful", "fitting"),
    [
        (0, 10, None, False, False),
        (10, 10, 1.0, False, True),
        (11, 10, 1.1, False, True),
        (12, 10, 1.2, True, False),
        (9, 10, 0.9, False, False),
        (3, 3, None, False, False),
        (3, 12, 0.25, True, False),
        (32, 8, 4.0, True, False),
    ],
)
def test_ok__the_number_of_times_tells_whether_the_pictures_have_another_length(
    lines: int, pictures: int, ratio: float | None, doubtful: bool, fitting: bool
) -> None:
    text = b"# timecode format v2\n" + b"".join(b"%d.000\n" % (33 * number) for number in range(lines))
    times = times_of(text, pictures)
    assert (times.per_picture, times.doubtful, times.fitting) == (ratio, doubtful, fitting)


def test_ok__a_time_belongs_to_its_picture_also_if_one_came_too_late() -> None:
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    times = PictureTimes(ours)
    os.write(theirs, b"# timecode format v2\n0.0")
    assert times.next() is None
    os.write(theirs, b"00\n33.000\n")
    assert times.next() == 0.033
    os.write(theirs, b"66.000\n99.000\n")
    assert [times.next(), times.next()] == [0.066, 0.099]
    os.close(theirs)
    os.close(ours)
