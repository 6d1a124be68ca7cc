"""What the page shows now, and how long it lives, on a fake clock."""

from __future__ import annotations

from driver_monitor.aim.live import LIMIT_S, STALE_S, Live
from driver_monitor.data.observation import Observation
from driver_monitor.installer.night import NO_PICTURE
from driver_monitor.messages.sighting import Sighting
from tests.installer.seen import eyes, face, nobody, watching


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def shown(seen: Observation, jpeg: bytes | None = b"picture") -> Sighting:
    return Sighting(seen, (640, 480), jpeg, "camera 0")


def watched(clock: Clock, live: Live, seen: Observation, seconds: float) -> str:
    """Show `seen` eight times a second, and return the state of the sentence at the end."""
    for _ in range(round(seconds * 8)):
        clock.now += 1 / 8
        live.show(shown(seen))
    return str(live.newest()[0]["headline"]["state"])


def test_ok__good_comes_two_seconds_after_all_is_good_and_goes_with_the_face() -> None:
    clock = Clock()
    live = Live(clock)
    assert watched(clock, live, watching(face()), 2.0) == "unknown"
    assert watched(clock, live, watching(face()), 0.25) == "good"
    assert watched(clock, live, nobody(), 1.0) == "bad"
    assert watched(clock, live, watching(face()), 2.0) == "unknown"


def test_ok__without_pictures_the_page_says_so_and_shows_no_old_one() -> None:
    clock = Clock()
    live = Live(clock)
    assert live.newest()[0]["headline"]["words"] == "Waiting for the camera."
    watched(clock, live, watching(face()), 3.0)
    assert live.newest()[1] == b"picture"
    clock.now += STALE_S + 0.1
    live.waiting = "The daemon has stopped."
    message, picture = live.newest()
    assert picture is None
    assert not message["picture"]
    assert message["headline"]["words"] == "The daemon has stopped."
    assert message["night"]["words"] == NO_PICTURE
    assert {check["state"] for check in message["checks"]} == {"unknown"}


def test_ok__a_camera_that_is_lost_shows_no_old_picture() -> None:
    clock = Clock()
    live = Live(clock)
    watched(clock, live, watching(face()), 1.0)
    live.show(shown(nobody("no_frame", "lost"), None))
    message, picture = live.newest()
    assert picture is None
    assert message["box"] is None
    assert "plug" in message["headline"]["words"]


def test_ok__the_time_runs_down_and_is_over_after_a_quarter_of_an_hour() -> None:
    clock = Clock()
    live = Live(clock)
    assert live.newest()[0]["left_s"] == 900
    clock.now += LIMIT_S - 0.1
    assert not live.time_is_over()
    clock.now += 0.1
    assert live.time_is_over()
    assert live.newest()[0]["left_s"] == 0


def test_ok__box_and_eyes_are_those_of_the_picture() -> None:
    live = Live(Clock())
    live.show(shown(watching(face(200, (320, 240)), eyes("glare"))))
    message, _ = live.newest()
    assert message["box"] == [220, 140, 200, 200]
    right, left = message["eyes"]
    assert (right["words"], right["read"]) == ("open", True)
    assert (left["words"], left["read"]) == ("reflection", False)
    assert len(right["points"]) == len(left["points"]) == 6


def test_ok__no_field_tells_anything_of_the_drivers_expression_or_state() -> None:
    live = Live(Clock())
    live.show(shown(watching(face())))
    message, _ = live.newest()
    assert set(message) == {
        "number", "left_s", "ended", "source", "size", "picture", "headline", "checks", "night", "box", "eyes",
    }  # fmt: skip
