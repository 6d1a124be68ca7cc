"""Why a part of the driver is unknown in a frame, in the words of signals.jsonl where it has some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Cause = str | None
"""None: the part is known."""
NOT_SAID = "no reason given"
PARTS: Mapping[str, str] = {
    "face": "Face",
    "eyes": "Eyes",
    "head": "Head pose",
    "gaze": "Gaze",
    "mouth": "Mouth",
    "perclos": "PERCLOS",
    "phone": "Telephone at the ear",
    "speed": "Speed",
}
"""Part -> its name on the page, in the order of the page."""


def causes_of(line: Mapping[str, Any]) -> dict[str, Cause]:
    """Return part -> why it is unknown in this line of signals.jsonl, None if it is known. All of `PARTS` are there."""
    face, eyes, gaze = (_object(line.get(name)) for name in ("face", "eyes", "gaze"))
    no_face = None if face.get("present") is True else _text(face.get("reason"))
    return {
        "face": no_face,
        "eyes": None if eyes.get("state") in ("open", "closed") else _text(eyes.get("reason")),
        "head": None if _object(line.get("head")).get("yaw") is not None else no_face or NOT_SAID,
        "gaze": None if gaze.get("zone") not in (None, "unknown") else _gaze(line, gaze),
        "mouth": None if _object(line.get("mouth")).get("opening") is not None else no_face or _mouth(line),
        "perclos": None if _object(line.get("perclos")).get("value") is not None else "too little of the window seen",
        "phone": None if _object(line.get("phone")).get("at_ear_s") is not None else no_face or _phone(line),
        "speed": None if _object(line.get("car")).get("speed_kmh") is not None else "the car sent none",
    }


def _gaze(line: Mapping[str, Any], gaze: Mapping[str, Any]) -> str:
    reason = line.get("gaze_reason")
    if reason is None and gaze.get("yaw") is not None:
        return "straight ahead not yet learned"
    return _text(reason)


def _mouth(line: Mapping[str, Any]) -> str:
    covered = _object(line.get("occlusion")).get("mouth") is True
    return "covered" if covered else "turned away or hidden"


def _phone(line: Mapping[str, Any]) -> str:
    phone = line.get("phone")
    return "nobody has looked" if phone is None else _text(_object(phone).get("reason"))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value else NOT_SAID
