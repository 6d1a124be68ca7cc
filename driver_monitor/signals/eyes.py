"""Signals of the eyes and of sleepiness."""

from __future__ import annotations

from typing import get_args

from driver_monitor.data.driver_state import DriverState, EyesVerdict
from driver_monitor.data.observation import EyeReason
from driver_monitor.signals.signal import JsonObject, Topic, public
from driver_monitor.state.sleepiness.nods import WINDOW_S as NOD_WINDOW_S


def _window(state: DriverState) -> float:
    return state.perclos.window_s


def _coverage(state: DriverState) -> float:
    return state.perclos.coverage


OBJECTS = (
    JsonObject("eyes", "the eyes in this frame"),
    JsonObject("perclos", "PERCLOS over the last minute"),
    JsonObject("blink", "the blink that ended with this frame, full or partial; else `null`", lambda s: bool(s.blink)),
    JsonObject("drowsiness", "the estimated sleepiness; `null` while unknown", lambda s: s.drowsiness is not None),
)
ROWS = (
    public(
        "eyes.state", lambda s: None if s.eyes.state == "unknown" else s.eyes.state, "eyes open or closed",
        kind="text", choices=tuple(name for name in get_args(EyesVerdict) if name != "unknown"),
        json_values={None: "unknown"},
    ),
    public(
        "eyes.openness", lambda s: s.eyes.openness, "openness, 1 for this driver's normal opening", high=1.5, digits=3
    ),
    public("eyes.left", lambda s: s.eyes.left, "openness of the left eye", digits=3, rule=False),
    public("eyes.right", lambda s: s.eyes.right, "openness of the right eye", digits=3, rule=False),
    public(
        "eyes.reason", lambda s: s.eyes.reason, "why both eyes cannot be read in this frame", kind="text",
        choices=get_args(EyeReason), rule=False,
    ),
    public(
        "eyes.closed_s", lambda s: s.eyes.closed_s, "how long the eyes have been closed, 0 when open", "s", json=None,
        returning=lambda s: s.eyes.reopening,
    ),
    public("eyes.unread_s", lambda s: s.unread_s, "how long the eyes could not be read", "s", json=None),
    public(
        "perclos.value", lambda s: s.perclos.value,
        "share of time with the eyes at least 80 % closed, blinks not counted", high=1.0, digits=4,
        window_s=_window, coverage=_coverage, interval=lambda s: (s.perclos.low, s.perclos.high),
    ),
    public(
        "perclos.low", lambda s: s.perclos.low, "lowest possible value: eyes open in all time that was not readable",
        digits=4, rule=False,
    ),
    public(
        "perclos.high", lambda s: s.perclos.high, "highest possible value: eyes shut in all time that was not readable",
        digits=4, rule=False,
    ),
    public(
        "perclos.coverage", lambda s: s.perclos.coverage, "share of the window in which the eyes could be read",
        high=1.0, digits=3,
    ),
    public("perclos.window_s", _window, "length of the window", "s", rule=False),
    public(
        "blinks.per_min", lambda s: s.blink_rate, "blinks a minute", "1/min", json="blink_rate", digits=1,
        window_s=_window, coverage=_coverage,
    ),
    public(
        "blink.duration_s", lambda s: s.blink.duration_s if s.blink else None, "how long it lasted", "s",
        digits=3, rule=False,
    ),
    public(
        "blink.amplitude", lambda s: s.blink.amplitude if s.blink else None, "how far the lids moved, in openness",
        digits=3, rule=False,
    ),
    public(
        "blink.closing_per_s", lambda s: s.blink.closing_per_s if s.blink else None,
        "speed of the closing lids, in openness", "1/s", digits=2, rule=False,
    ),
    public(
        "blink.opening_per_s", lambda s: s.blink.opening_per_s if s.blink else None,
        "speed of the opening lids, in openness", "1/s", digits=2, rule=False,
    ),
    public(
        "head.nods", lambda s: s.nods, "nods in the last five minutes", json="nods", window_s=lambda _: NOD_WINDOW_S
    ),
    public(
        "drowsiness.kss", lambda s: s.drowsiness.kss if s.drowsiness else None, "Karolinska sleepiness", "KSS",
        low=1.0, high=9.0, digits=1,
        interval=lambda s: (s.drowsiness.low, s.drowsiness.high) if s.drowsiness else None,
    ),
    public(
        "drowsiness.low", lambda s: s.drowsiness.low if s.drowsiness else None, "lower end of the interval", "KSS",
        low=1.0, high=9.0, digits=1, rule=False,
    ),
    public(
        "drowsiness.high", lambda s: s.drowsiness.high if s.drowsiness else None, "upper end of the interval", "KSS",
        low=1.0, high=9.0, digits=1, rule=False,
    ),
    public(
        "drowsiness.reason", lambda s: s.drowsiness.reason if s.drowsiness else None, "the reason in words",
        kind="text", rule=False,
    ),
)  # fmt: skip
TOPIC = Topic("Eyes and sleepiness", OBJECTS, ROWS)
