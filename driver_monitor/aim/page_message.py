"""Makes what the page gets about one picture: box and eyes to draw, checks, the one sentence, the night check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from driver_monitor.data.observation import EyeReason, EyeView, Observation
from driver_monitor.imaging.ibug import LEFT_EYE, RIGHT_EYE
from driver_monitor.installer.aiming import Setting, Side, headline, judge_aim
from driver_monitor.installer.check import Check
from driver_monitor.installer.night import judge_night
from driver_monitor.messages.sighting import Sighting

CLOSED_FROM = 0.5
"""Probability of closed from which the page says so (ours)."""
NOT_READ: dict[EyeReason, str] = {
    "glare": "reflection",
    "sunglasses": "dark glasses",
    "occluded": "covered",
    "dark": "too dark",
    "blur": "blurred",
    "pose": "turned away",
    "no_face": "not found",
}
"""A word beside an eye that cannot be read."""


def page_message(sighting: Sighting, window: Sequence[Observation], steady: Callable[[bool], bool]) -> dict[str, Any]:
    """Return what the page shows of `sighting`. `window`: the observations of the last 1.5 s, this one last.

    `steady`: called with whether all checks are passed; returns whether they have been for long enough.
    """
    setting = Setting(sighting.size, cast(Side, sighting.driver_side), sighting.camera)
    checks = judge_aim(window, setting)
    good = steady(all(check.passed for check in checks))
    return {
        "source": sighting.source,
        "size": list(sighting.size),
        "picture": sighting.jpeg is not None,
        "headline": _as_json(headline(checks, good)),
        "checks": [_as_json(check) for check in checks],
        "night": _as_json(judge_night(window)),
        **_drawing(sighting.seen),
    }


def waiting_message(words: str) -> dict[str, Any]:
    """Return what the page shows while there is no picture. `words`: why, and what to do."""
    unknown = Check("headline", "No picture", "bad", words)
    night = judge_night([])
    checks = [_as_json(check) for check in judge_aim([], Setting((1, 1)))]
    return {
        "source": None,
        "size": None,
        "picture": False,
        "headline": _as_json(unknown),
        "checks": checks,
        "night": _as_json(night),
        "box": None,
        "eyes": [],
    }


def _as_json(check: Check) -> dict[str, str]:
    return {"name": check.name, "title": check.title, "state": check.state, "words": check.words}


def _drawing(seen: Observation) -> dict[str, Any]:
    """Return the box of the face and the outline of both eyes, in pixels of the frame."""
    face, eyes = seen.face, seen.eyes
    if face is None:
        return {"box": None, "eyes": []}
    box = [round(value, 1) for value in (face.box.x, face.box.y, face.box.w, face.box.h)]
    views = (None, None) if eyes is None else (eyes.right, eyes.left)
    drawn = []
    for outline, view in zip((RIGHT_EYE, LEFT_EYE), views, strict=True):
        points = [[round(float(x), 1), round(float(y), 1)] for x, y in face.points[list(outline)]]
        drawn.append({"points": points, "read": view is not None and view.reason is None, "words": _eye_words(view)})
    return {"box": box, "eyes": drawn}


def _eye_words(view: EyeView | None) -> str:
    if view is None:
        return "not read"
    if view.reason is not None:
        return NOT_READ[view.reason]
    return "closed" if view.p_closed is not None and view.p_closed >= CLOSED_FROM else "open"
