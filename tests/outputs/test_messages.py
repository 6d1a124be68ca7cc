"""signals.jsonl and `state/` keep their fields, and unknown values are null."""

from __future__ import annotations

import json

from driver_monitor.config.profiles import load_profile
from driver_monitor.messages.state import signals, state_message
from driver_monitor.rules.engine import Engine
from driver_monitor.state.tracker import StateTracker
from tests.timeline import Stretch, attentive, no_face, observe, shut

FIELDS = [
    "schema", "frame", "t", "face", "eyes", "head", "gaze", "gaze_reason", "glances", "mouth", "emotion", "perclos",
    "blink_rate", "blink", "glance", "nods", "drowsiness", "attention", "degraded", "rotate_to", "occlusion", "light",
    "car", "alerts", "look", "phone", "hand", "mask", "mouth_object_s",
]  # fmt: skip


def lines(*drive: Stretch, fps: int = 20) -> list[dict[str, object]]:
    state, engine = StateTracker(), Engine(load_profile("default")[0])
    frames = [stretch for stretch in drive for _ in range(round(stretch.seconds * fps))]
    written = []
    for number, stretch in enumerate(frames):
        seen = state.update(observe(number / fps, stretch))
        written.append(json.loads(json.dumps(signals(number, seen, engine.update(seen)), allow_nan=False)))
    return written


def test_ok__every_line_has_every_field_in_order() -> None:
    assert all(list(line) == FIELDS for line in lines(attentive(1), shut(1.5), no_face(1)))


def test_ok__an_attentive_driver() -> None:
    line = lines(attentive(3))[-1]
    assert line["face"] == {**line["face"], "present": True, "others": None}  # type: ignore[dict-item]
    assert line["gaze"] == {**line["gaze"], "zone": "road", "region": "road", "source": "eyes+head"}  # type: ignore[dict-item]
    assert line["occlusion"] == {"mouth": None, "eyes": None}
    assert line["eyes"] == {**line["eyes"], "state": "open", "reason": None}  # type: ignore[dict-item]
    assert line["attention"] == "attentive"
    assert line["alerts"] == []


def test_ok__an_empty_seat_is_unknown_in_every_field_and_never_attentive() -> None:
    line = lines(attentive(3), no_face(2))[-1]
    assert line["face"] == {"present": False, "reason": "not_found"}
    eyes = line["eyes"]
    assert isinstance(eyes, dict)
    assert {name: value for name, value in eyes.items() if value is not None} == {
        "state": "unknown",
        "reason": "no_face",
    }
    assert (line["head"], line["gaze"], line["mouth"], line["emotion"]) == (None, None, None, None)
    assert line["gaze_reason"] == "no_face"
    assert line["attention"] == "unknown"


def test_ok__active_alerts_are_in_the_line_worst_first() -> None:
    assert lines(attentive(3), shut(3.5))[-1]["alerts"] == ["sleep", "microsleep"]


def test_ok__the_state_topic_has_the_fields_from_eyes_on() -> None:
    state, engine = StateTracker(), Engine(load_profile("default")[0])
    seen = state.update(observe(0.0, attentive(1)))
    assert list(state_message(seen, engine.update(seen))) == ["schema", "t", *FIELDS[4:]]
