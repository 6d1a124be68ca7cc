"""Judges whether the camera is aimed well: distance, side, height, place in the picture, driver's half, light, eyes.

It judges the observations of about the last second and a half. The driver sits as for driving and looks straight ahead.
Pure: no clock, no I/O. What is not visible is unknown, never good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from driver_monitor.data.observation import EyeReason, Observation
from driver_monitor.installer.check import Check, CheckState
from driver_monitor.installer.light import judge_light

Side = Literal["auto", "left", "right"]
"""The value of `camera.driver_side`: the half of the picture in which the driver sits."""

FACE_SHARE = 0.7
"""Least share of the observations with a face. A blink of the detector must not let the words change. Ours."""
LEAST_WIDTH, GOOD_WIDTH = 80.0, 110.0
"""Width of the face, pixels: the least that the nets can read (config.yaml, `camera.width`), and a good one. Below the
good one the eyes have few pixels (ours)."""
MOST_SHARE = 0.39
"""Largest width of the face over that of the picture: 250 of 640 pixels. A larger one leaves the picture when the
driver moves (ours)."""
AIM_SHARE = 0.26
"""The width over that of the picture which the words of the distance lead to: about 165 of 640 pixels. Ours."""
GOOD_ANGLE, MOST_ANGLE = 20.0, 30.0
"""Degrees between the camera and straight ahead, to a side or up and down: good up to the first, possible up to the
second (docs/install.md). Beyond it, a look aside hides an eye, or the lids hide the iris."""
EDGE_SHARE = 0.03
"""Least distance of the face from the edge of the picture, over the picture's width or height. Ours."""
UNREADABLE_SHARE = 0.3
"""Share of the looks at eyes that could not be read from which the eyes are not good. A blink is read. Ours."""

NOT_KNOWN = "Not known yet."
CAMERA_WORDS = {
    "lost": "There is no picture from the camera. Check its plug and its cable.",
    "frozen": "The picture stands still. Unplug the camera and plug it in again.",
    "covered": "Nothing is visible. Take the cover off the lens, or the hand away from it.",
}
"""What to do in the camera states in which there is no usable picture."""
POOR_WORDS = {
    "out_of_focus": "The picture is blurred. Clean the lens, or turn its focus ring until the picture is sharp.",
    "vibrating": "The picture shakes. Fasten the camera's holder.",
}
"""What to do in the states, judged over time, in which the picture is usable but poor. "turned_away" is none of them:
whoever aims a camera turns it."""
EYE_WORDS: dict[EyeReason, str] = {
    "glare": "Glasses reflect light into the camera. Move the camera or the lamp by a hand's width to one side, or up.",
    "sunglasses": "The eyes are behind dark glasses. Take off the sunglasses for this check.",
    "occluded": "Something covers the eyes. Move hair, cap, hand or steering wheel away from between eyes and camera.",
    "dark": "The eyes are too dark. Give the face more light.",
    "blur": "The eyes are blurred. Clean the lens, turn its focus ring, and sit still.",
    "pose": "The head is turned too far to read both eyes. Look straight ahead; if you do, see Side and Height.",
    "no_face": NOT_KNOWN,
}
"""What to do when eyes cannot be read, by the most frequent reason."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the verdicts need beside the observations. `size`: width and height of the picture, pixels.

    `driver_side`: `camera.driver_side`. `camera`: the state of the camera, judged over time (`DriverState.camera`).
    """

    size: tuple[int, int]
    driver_side: Side = "auto"
    camera: str = "ok"


def judge_aim(seen: Sequence[Observation], setting: Setting) -> tuple[Check, ...]:
    """Return the checks, the most important first. `seen`: the last observations, oldest first; may be empty.

    If a check is bad, those after it that rest on it are unknown.
    """
    picture, face = _picture(seen, setting.camera), _face(seen, setting)
    if not face.passed:
        return (picture, face, *(_unknown(name, title) for name, title in _TITLES.items()))
    faces = [one for one in seen if one.face is not None]
    return (
        picture,
        face,
        _driver(faces, setting),
        _place(faces, setting),
        _distance(faces, setting),
        _side(faces),
        _height(faces),
        _light(seen),
        _eyes(faces),
    )


def headline(checks: Sequence[Check], steady: bool) -> Check:
    """Return the one sentence that the installer must read: the first check that is not passed, else that all is good.

    `steady`: all has been good for `SteadyGood.after_s`. Before, the answer is unknown: sit still.
    """
    first = next((one for one in checks if one.state == "bad"), None)
    first = first or next((one for one in checks if not one.passed), None)
    if first is not None:
        words = "Wait for the camera and the driver's face." if first.words == NOT_KNOWN else first.words
        return Check("headline", first.title, first.state, words)
    if not steady:
        return Check("headline", "Wait", "unknown", "It looks good. Sit still and look straight ahead.")
    return Check("headline", "Good", "good", "The camera sees the driver well.")


class SteadyGood:
    """Says when all has been good for `after_s` seconds without a break: then the page says so in green."""

    def __init__(self, after_s: float = 2.0) -> None:
        self.after_s = after_s
        self._since: float | None = None

    def update(self, t: float, good: bool) -> bool:
        """Take whether all is good at `t` seconds. Returns whether it has been good for long enough."""
        if not good or (self._since is not None and t < self._since):
            self._since = None
        if good and self._since is None:
            self._since = t
        return self._since is not None and t - self._since >= self.after_s


_TITLES = {
    "driver": "Driver's half",
    "place": "Place in the picture",
    "distance": "Distance",
    "side": "Side",
    "height": "Height",
    "light": "Light",
    "eyes": "Eyes and glasses",
}
"""The checks that need a face, by name."""


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _check(name: str, state: CheckState, words: str) -> Check:
    return Check(name, _TITLES[name], state, words)


def _unknown(name: str, title: str) -> Check:
    return Check(name, title, "unknown", NOT_KNOWN)


def _picture(seen: Sequence[Observation], camera: str) -> Check:
    """Judge the newest observation: a camera that is lost must be told at once."""
    if not seen:
        return _unknown("picture", "Picture")
    last = seen[-1]
    if last.camera != "ok":
        words = CAMERA_WORDS.get(last.camera, f"The camera has a fault ({last.camera}). Check it.")
        return Check("picture", "Picture", "bad", words)
    if last.face_reason == "turned":
        turn = "" if last.rotate_to is None else f" Set camera.rotate: {last.rotate_to} in the configuration, or"
        words = f"The camera hangs on its side or upside down.{turn or ' Please'} turn the camera."
        return Check("picture", "Picture", "bad", words)
    if camera in POOR_WORDS:
        return Check("picture", "Picture", "bad", POOR_WORDS[camera])
    return Check("picture", "Picture", "good", "The camera gives pictures.")


def _face(seen: Sequence[Observation], setting: Setting) -> Check:
    """Judge the last observations. Unknown without a usable picture: nobody can be found in it."""
    if not seen or seen[-1].camera != "ok" or seen[-1].face_reason == "turned":
        return _unknown("face", "Face")
    found = sum(one.face is not None for one in seen)
    if found and found >= FACE_SHARE * len(seen):
        return Check("face", "Face", "good", "The driver's face is found.")
    if any(one.face_reason == "dark" for one in seen):
        words = "It is too dark to find a face. Switch the infrared lamp on, or give more light."
    elif setting.driver_side != "auto":
        half = f"the {setting.driver_side} half of the picture (camera.driver_side)"
        words = f"No face is found in {half}. Sit in the driver's seat, and turn the camera to your face."
    else:
        words = "No face is found. Sit in the driver's seat, and turn the camera to your face."
    return Check("face", "Face", "bad", words)


def _driver(faces: Sequence[Observation], setting: Setting) -> Check:
    if setting.driver_side != "auto":
        words = f"Only the {setting.driver_side} half of the picture counts (camera.driver_side)."
        return _check("driver", "good", words)
    others = [one.face.others for one in faces if one.face is not None and one.face.others is not None]
    if not others:
        return _check("driver", "unknown", NOT_KNOWN)
    if max(others) == 0:
        return _check("driver", "good", "One face is in the picture. It is taken as the driver's.")
    half = "left" if _middle(faces) < setting.size[0] / 2 else "right"
    words = (
        f"{'Two' if max(others) == 1 else 'Several'} faces are in the picture. If the box is around the driver, "
        f"set camera.driver_side: {half}. If not, set the other half."
    )
    return _check("driver", "bad", words)


def _middle(faces: Sequence[Observation]) -> float:
    return median(one.face.box.x + one.face.box.w / 2 for one in faces if one.face is not None)


def _place(faces: Sequence[Observation], setting: Setting) -> Check:
    boxes, (width, height) = [one.face.box for one in faces if one.face is not None], setting.size
    edges = {
        "left": median(box.x for box in boxes) / width,
        "right": 1 - median(box.x + box.w for box in boxes) / width,
        "upper": median(box.y for box in boxes) / height,
        "lower": 1 - median(box.y + box.h for box in boxes) / height,
    }
    near = [name for name, distance in edges.items() if distance < EDGE_SHARE]
    if not near:
        return _check("place", "good", "The whole face is in the picture.")
    words = f"The face is at the {' and '.join(near)} edge of the picture. Turn the camera until it is in the middle."
    return _check("place", "bad", words)


def _distance(faces: Sequence[Observation], setting: Setting) -> Check:
    width = median(one.face.box.w for one in faces if one.face is not None)
    size = f"the face is {width:.0f} pixels wide"
    factor = width / (AIM_SHARE * setting.size[0])
    if width > MOST_SHARE * setting.size[0]:
        words = f"Too close: {size}. Move the camera further away, to about {factor:.1f} times the present distance."
        return _check("distance", "bad", words)
    if width >= GOOD_WIDTH:
        return _check("distance", "good", f"The face is {width:.0f} pixels wide.")
    percent = min(90, max(10, round(factor * 10) * 10))
    if factor >= 1:  # the picture is so small that the face cannot have more pixels
        words = f"Too few pixels: {size}. Set a larger camera.width and camera.height."
        return _check("distance", "bad" if width < LEAST_WIDTH else "fair", words)
    if width < LEAST_WIDTH:
        words = f"Too far: {size}. Move the camera closer, to about {percent} % of the present distance."
        return _check("distance", "bad", words)
    return _check(
        "distance",
        "fair",
        f"The face is {width:.0f} pixels wide. Closer is better, about {percent} % of the present distance.",
    )


def _side(faces: Sequence[Observation]) -> Check:
    yaws = [one.face.head.yaw for one in faces if one.face is not None and one.face.head is not None]
    if not yaws:
        return _check("side", "unknown", NOT_KNOWN)
    yaw = median(yaws)
    # A face that points to the driver's left of the camera is seen from the driver's right.
    seen_from, move_to = ("right", "left") if yaw > 0 else ("left", "right")
    where = f"the camera sees the face from the driver's {seen_from}, {abs(yaw):.0f} degrees"
    if abs(yaw) <= GOOD_ANGLE:
        return _check("side", "good", f"The angle from the front is {abs(yaw):.0f} degrees.")
    if abs(yaw) <= MOST_ANGLE:
        return _check("side", "fair", f"{_sentence(where)} Nearer to the front is better.")
    words = f"Look straight ahead. If you do: {where}. Move the camera to the driver's {move_to}, towards the front."
    return _check("side", "bad", words)


def _height(faces: Sequence[Observation]) -> Check:
    pitches = [one.face.head.pitch for one in faces if one.face is not None and one.face.head is not None]
    if not pitches:
        return _check("height", "unknown", NOT_KNOWN)
    pitch = median(pitches)
    # A face that points up from the camera is seen from below.
    seen_from, move = ("below", "higher") if pitch > 0 else ("above", "lower")
    where = f"the camera sees the face from {seen_from}, {abs(pitch):.0f} degrees"
    if abs(pitch) <= GOOD_ANGLE:
        return _check("height", "good", f"The angle from {seen_from} is {abs(pitch):.0f} degrees.")
    if abs(pitch) <= MOST_ANGLE:
        return _check("height", "fair", f"{_sentence(where)} A camera that is mounted {move} is better.")
    return _check("height", "bad", f"Look straight ahead. If you do: {where}. Mount the camera {move}.")


def _light(seen: Sequence[Observation]) -> Check:
    light = judge_light(seen)
    if light.verdict == "no_face":
        return _check("light", "unknown", NOT_KNOWN)
    return _check("light", "good" if light.verdict == "good" else "bad", light.words)


def _eyes(faces: Sequence[Observation]) -> Check:
    looks = [eye for one in faces if one.eyes is not None for eye in (one.eyes.left, one.eyes.right)]
    if not looks:
        return _check("eyes", "unknown", NOT_KNOWN)
    reasons = Counter(eye.reason for eye in looks if eye.reason is not None)
    if reasons.total() < UNREADABLE_SHARE * len(looks):
        return _check("eyes", "good", "Both eyes can be read.")
    return _check("eyes", "bad", EYE_WORDS[reasons.most_common(1)[0][0]])
