"""A daemon that is too slow for its camera says so, once."""

from __future__ import annotations

import pytest

from driver_monitor.app.keep_up import KeepUp
from driver_monitor.imaging.frame import Frame
from tests.drive import Drive
from tests.timeline import attentive


def counted(*seconds: tuple[int, int]) -> list[str | None]:
    """What is logged when each second brings so many captured and dropped frames."""
    keep_up, captured, dropped, said = KeepUp(), 100, 90, []
    keep_up.update(captured, dropped, 0.0)  # dropped while the daemon started
    for number, (more, lost) in enumerate(seconds, 1):
        captured, dropped = captured + more, dropped + lost
        said.append(keep_up.update(captured, dropped, float(number)))
    return said


def test_ok__what_is_too_slow_is_logged_once_and_when_it_ends() -> None:
    said = counted(*[(30, 0)] * 5, *[(30, 12)] * 20, *[(30, 0)] * 20)
    lines = [line for line in said if line is not None]
    begin = "cannot keep up: 16% of the camera's frames are dropped, 25.2 a second are used; "
    assert lines == [
        f"{begin}lower camera.fps or stop other programs",
        "keeps up again: 216 frames were dropped in 23 s",
    ]


@pytest.mark.parametrize(
    "seconds",
    [
        [(30, 1)] * 60,
        [*[(30, 0)] * 5, (30, 14), *[(30, 0)] * 20],
        [(1, 0), (1, 1)] * 30,
        [(0, 0)] * 30,
    ],
    ids=["a few all the time", "one reload", "a frame a second", "no camera"],
)
def test_ok__few_drops_or_short_ones_are_not_called_too_slow(seconds: list[tuple[int, int]]) -> None:
    assert not any(counted(*seconds))


def test_ok__a_slow_daemon_says_so_in_status_and_to_systemd_and_another_camera_counts_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    drive = Drive(attentive(20))
    plain = drive.cabin.latest

    def latest(timeout_s: float) -> Frame | None:
        drive.cabin.captured += 1
        drive.cabin.dropped += 1
        return plain(timeout_s)

    drive.cabin.latest = latest  # type: ignore[method-assign]
    drive.run()
    assert caplog.text.count("cannot keep up: 50% of the camera's frames are dropped") == 1
    camera = drive.out.statuses[-1]["camera"]
    assert (camera["keeps_up"], camera["drop_share"]) == (False, pytest.approx(0.5, abs=0.01))
    assert any("; cannot keep up: 50% of frames dropped" in line for line in drive.systemd.lines)
    total = drive.daemon.health.keep_up.total
    assert total == drive.cabin.dropped
    drive.daemon.health.keep_up.update(10, 3, drive.cabin.now + 1)
    assert drive.daemon.health.keep_up.total == total + 3
