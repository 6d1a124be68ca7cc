"""Signals of the mouth and of the expression. Public names call the expression `emotion`."""

from __future__ import annotations

from typing import Any

from driver_monitor.data.driver_state import DriverState
from driver_monitor.data.observation import EXPRESSIONS
from driver_monitor.signals.signal import JsonObject, Topic, private, public


def _classes(state: DriverState) -> Any:
    return state.emotion.p if state.emotion else None


OBJECTS = (
    JsonObject(
        "mouth", "the mouth; `null` while it is turned away or hidden: a yawn is then unknown",
        lambda s: s.mouth.opening is not None,
    ),
    JsonObject(
        "emotion", "what the face shows, not what the driver feels; `null` while unknown",
        lambda s: s.emotion is not None,
    ),
)  # fmt: skip
ROWS = (
    public("mouth.opening", lambda s: s.mouth.opening, "inner-lip gap over mouth width", high=2.0, digits=3),
    public("mouth.yawning", lambda s: s.mouth.yawning, "a yawn is under way", kind="bool"),
    public("mouth.yawns", lambda s: s.mouth.yawns, "yawns in the window", window_s=lambda s: s.mouth.yawn_window_s),
    private(
        "emotion.label", lambda s: s.emotion.label if s.emotion else None, "smoothed expression", kind="text",
        choices=(*EXPRESSIONS, "positive", "negative", "uncertain"),
    ),
    private(
        "emotion.p", _classes, "probability of each class, smoothed over 1.5 s",
        kind="map", digits=3, rule=False,
    ),
    private(
        "emotion.intensity", lambda s: s.emotion.intensity if s.emotion else None,
        "how far the expression is from neutral", high=1.0, digits=3,
    ),
    private(
        "emotion.held_s", lambda s: s.emotion.held_s if s.emotion else None, "how long the expression has been shown",
        "s", digits=3,
    ),
    private(
        "emotion.flash", lambda s: s.emotion.flash if s.emotion else None,
        "an expression that lasted less than half a second, shown for two seconds; never the label", kind="text",
        choices=EXPRESSIONS, rule=False,
    ),
    private(
        "emotion.distress_s", lambda s: s.emotion.distress_s if s.emotion else None,
        "how long anger or fear has been shown, 0 when not", "s", json=None,
    ),
)  # fmt: skip
TOPIC = Topic("Mouth and expression", OBJECTS, ROWS)
