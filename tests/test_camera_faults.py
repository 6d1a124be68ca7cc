"""Faults of the camera on the bundled demo, from pictures to what is told: real nets, by day and in infrared."""

from __future__ import annotations

import pytest

from driver_monitor import demo
from tools.camera.faults import WITHIN_S, Job, run

NIGHT = 560
"""A frame of the demo in infrared."""


@pytest.mark.parametrize(
    ("fault", "first", "state"),
    [
        ("covered_frosted_tape", 0, "covered"),
        ("frozen_encoded", NIGHT, "frozen"),
        ("turned_aside", NIGHT, "turned_away"),
        ("defocus", 0, "out_of_focus"),
        ("vibration", 0, "vibrating"),
    ],
)
def test_ok__each_fault_is_told_by_its_name_within_ten_seconds(fault: str, first: int, state: str) -> None:
    _, told, _ = run(Job(demo.CLIP, fault, first=first))
    assert [name for name, _ in told] == [state]
    assert told[0][1] <= WITHIN_S


@pytest.mark.parametrize(("harmless", "first"), [("hand_for_a_second", 0), ("empty_seat", NIGHT)])
def test_ok__what_is_no_fault_of_the_camera_is_not_told(harmless: str, first: int) -> None:
    assert run(Job(demo.CLIP, harmless, first=first))[1] == []
