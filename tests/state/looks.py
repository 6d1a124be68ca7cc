"""Drives in which the objects net looks three times a second, and what is then known of hands and things."""

from __future__ import annotations

from dataclasses import replace

from driver_monitor.data.driver_state import DriverState, ObjectsState
from driver_monitor.data.observation import ObjectsView
from driver_monitor.state.objects.limits import PHONE_FROM
from driver_monitor.state.objects.objects_tracker import ObjectsTracker
from tests.timeline import LOOKS_PER_S, Stretch, attentive

LOOK_S = 1 / LOOKS_PER_S
CLEAR = ObjectsView(0.02, 0.02, 0.02, 0.02, 0.02, 0.02)
SURE = max(0.95, PHONE_FROM)
FPS = [5, 7, 10, 15, 20, 30, 60]


def seeing(seconds: float, **seen: float | None) -> Stretch:
    """Some seconds in which the objects net sees this, and nothing else."""
    return attentive(seconds, objects=replace(CLEAR, **seen))


def calling(seconds: float, p: float | None = SURE) -> Stretch:
    return seeing(seconds, phone_left=p)


def objects(seen: list[DriverState]) -> list[ObjectsState]:
    return [state.objects for state in seen if state.objects is not None]


def tracked(drive: list[Stretch]) -> list[ObjectsState]:
    """What is known after each look of a long drive, without all that else is measured."""
    tracker, found = ObjectsTracker(), list[ObjectsState]()
    for part in drive:
        for _ in range(round(part.seconds * LOOKS_PER_S)):
            state = tracker.update(len(found) * LOOK_S, part.objects)
            assert state is not None
            found.append(state)
    return found
