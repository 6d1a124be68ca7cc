"""Judges whether the camera sees the driver in the dark: the night check of the installer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mode

from driver_monitor.data.observation import Observation
from driver_monitor.installer.check import Check, CheckState
from driver_monitor.installer.light import judge_light

BRIGHT = "It is too bright for this check. Make the car dark: use a garage, or wait for the night."
LAMP_OFF = "The car is dark, and no lamp lights the face. Switch the infrared lamp on, and aim it at the face."
NO_PICTURE = "There is no picture. See Picture."
NOT_SURE = (
    "The face is well lit, but it is not sure by which light. Cover the infrared lamp with your hand: "
    "the picture must become dark. If not, make the car darker."
)


def judge_night(seen: Sequence[Observation]) -> Check:
    """Return whether the camera sees the driver in the dark. `seen`: the last 2 seconds, oldest first; may be empty.

    "unknown" while the car is not dark, or there is no picture: the installer must do something first.
    """
    if not seen or seen[-1].camera == "lost" or seen[-1].camera == "frozen":
        return _check("unknown", NO_PICTURE)
    light, kind = judge_light(seen), mode(one.light for one in seen)
    if kind == "dark" or seen[-1].camera == "covered":
        return _check("bad", LAMP_OFF if light.verdict in ("no_face", "too_dark") else light.words)
    if kind in ("day", "glare") or light.infrared is False:
        return _check("unknown", BRIGHT)
    if light.verdict != "good":
        return _check("bad", light.words)
    if light.infrared:
        return _check("good", "The infrared lamp lights the face well. The camera sees the driver at night.")
    return _check("fair", NOT_SURE)


def _check(state: CheckState, words: str) -> Check:
    return Check("night", "Night check", state, words)
