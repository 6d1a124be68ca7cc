"""Judges the light on the driver's face, and says in one sentence what the installer has to do.

The limits come from 111 near-infrared stills in dark rooms (`nir`), every fifth of 833 stills of drivers in cars by day
(`cars`), and 52 clips of people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, mode
from typing import Literal

from driver_monitor.data import observation as data
from driver_monitor.data.observation import FaceLight, Observation

LightVerdict = Literal["good", "too_dark", "over_exposed", "uneven", "no_face"]

LEAST_FACE_SHARE = 0.5
"""Least share of the observations with a face. With fewer there is nothing to judge (ours)."""
DARKEST = 40.0
"""Mean grey level of the face below which it is too dark. `nir` has 137 or more, `cars` 47 or more, the clips 60 or
more but for two faces in deep shade (25 and 36)."""
MOST_CLIPPED = 0.15
"""Share of blown-out pixels of the face above which it is over-exposed: the limit of glare on an eye. `nir` has 0.01 at
most, the clips 0.05, `cars` 0.11."""
MOST_UNEVEN = 2.5
"""How many times as bright as the other one half of the face may be. `nir` has 1.35 at most, 95 % of `cars` 2.3."""
LAMP_OVER_AROUND = 1.15
"""How many times as bright as the rest of the picture a face is in the light of a lamp beside the camera, at least: the
light gets weaker with the distance. `nir` has 1.17 or more."""

GOOD = {
    True: "Infrared lamp seen, face well lit.",
    False: "Face well lit by visible light; no infrared lamp is seen: look again in the dark.",
    None: "Face well lit; an infrared lamp cannot be told from daylight here: look again in the dark.",
}
TOO_DARK = {
    True: "Infrared lamp seen, face too dark: aim the lamp at the face, or bring lamp and camera closer.",
    False: "Face too dark: light it with an infrared lamp, or let the camera expose for longer.",
    None: "Face too dark: switch the infrared lamp on, aim it at the face, or bring it closer.",
}
OVER_EXPOSED = {
    True: "Infrared lamp seen, face over-exposed: move the lamp away, dim it, or let the camera expose for less time.",
    False: "Face over-exposed: if the sun is on it, look again in the shade; else let the camera expose for less time.",
    None: "Face over-exposed: if the sun is on it, look again in the shade; else dim the lamp or move it away.",
}
UNEVEN = {
    True: "Infrared lamp seen, face lit from one side ({side}): move the lamp beside the camera.",
    False: "Face lit from one side ({side}): if that is the sun, look again in the shade.",
    None: "Face lit from one side ({side}): if that is the sun, look again in the shade; else move the lamp.",
}
"""Words by `Light.infrared`. `side`: the brighter half, the driver's own."""
NO_PICTURE: dict[data.CameraState, str] = {
    "lost": "No picture: check the camera's cable and camera.source.",
    "frozen": "The picture does not change: unplug the camera and plug it in again.",
    "covered": "The lens is covered, or nothing is lit: take the cover off, or switch the infrared lamp on.",
}
TURNED = "The picture is turned: set camera.rotate to {rotate_to}."
DARK_WITHOUT_FACE = "Picture dark, no face seen, no infrared lamp seen: switch the lamp on and aim it at the face."
NO_FACE = "No face seen: sit in the driver's seat, look ahead, and aim the camera at the face."
NO_OBSERVATIONS = "No picture yet: wait some seconds."


@dataclass(frozen=True, slots=True)
class Light:
    """The light on the driver's face, for the installer.

    `infrared`: an infrared lamp is seen at work; False: the picture has colours, or is dark without a face; None: it
    cannot be told, as in a grey picture by day. `words`: one sentence that also says what to do, if there is anything.
    """

    verdict: LightVerdict
    infrared: bool | None
    words: str


def judge_light(observations: Sequence[Observation]) -> Light:
    """Return the light on the driver's face. `observations`: some seconds of one camera, two or more; may be empty."""
    with_face = [seen for seen in observations if seen.face is not None]
    lights = [seen.face_light for seen in with_face if seen.face_light is not None]
    if not lights or len(with_face) < LEAST_FACE_SHARE * len(observations):
        return _without_face(observations)
    infrared = _lamp_seen(with_face, lights)
    if median(light.clipped for light in lights) > MOST_CLIPPED:
        return Light("over_exposed", infrared, OVER_EXPOSED[infrared])
    if median(light.mean for light in lights) < DARKEST:
        return Light("too_dark", infrared, TOO_DARK[infrared])
    left = _median(light.left for light in lights)
    right = _median(light.right for light in lights)
    if left is not None and right is not None and max(left, right) > MOST_UNEVEN * min(left, right):
        side = "the driver's left" if left > right else "the driver's right"
        return Light("uneven", infrared, UNEVEN[infrared].format(side=side))
    return Light("good", infrared, GOOD[infrared])


def _median(levels: Iterable[float | None]) -> float | None:
    known = [level for level in levels if level is not None]
    return median(known) if known else None


def _lamp_seen(with_face: Sequence[Observation], lights: Sequence[FaceLight]) -> bool | None:
    """Return whether a lamp lights the face, None if unknown. Only a picture without colours can be infrared."""
    grey = mode(seen.grey for seen in with_face)
    if grey is False:
        return False
    over = [light.mean / max(light.around, 1.0) for light in lights if light.around is not None]
    kind = mode(seen.light for seen in with_face)
    return True if grey and kind == "infrared" and over and median(over) >= LAMP_OVER_AROUND else None


def _without_face(observations: Sequence[Observation]) -> Light:
    if not observations:
        return Light("no_face", None, NO_OBSERVATIONS)
    last = observations[-1]
    if last.camera != "ok":
        return Light("no_face", None, NO_PICTURE[last.camera])
    if last.rotate_to is not None:
        return Light("no_face", None, TURNED.format(rotate_to=last.rotate_to))
    if last.light == "dark":
        return Light("no_face", False, DARK_WITHOUT_FACE)
    return Light("no_face", False if last.grey is False else None, NO_FACE)
