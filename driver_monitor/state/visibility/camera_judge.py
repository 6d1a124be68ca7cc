"""Tells the states of the camera apart: covered, turned away from the driver, out of focus, vibrating.

Perception measures, this judges over time. What a driver does is no fault of the camera: a hand that passes the lens, a
driver who leans out of the picture or leaves. So a camera is turned away only if no face is visible and the cabin, too,
has changed within seconds; and nothing is told from one picture.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median_low

from driver_monitor.data.driver_state import CameraVerdict
from driver_monitor.data.observation import Observation, SceneView, Shake
from driver_monitor.timing.cadence import EPSILON_S

FROZEN_AFTER_S = 0.5
"""A picture that has repeated for half a second (`perception.scene.repeats`) and for so long again is frozen. A person
who sits still repeated for 0.7 s, in one of 52 clips, of a very low bit rate."""
COVERED_AFTER_S = 1.5
"""A lens that has been covered for so long is covered. A hand that passes takes a second (ours)."""
PARTLY_AFTER_S = 3.0
"""The same, if only a part of the picture is covered, but the face cannot be seen (ours)."""
HIDDEN_FROM = 0.5
"""Share of the learned edges of the cabin that are gone, from which a part of the lens is covered. 52 clips of people
have 0.33 at most; with the driver drawn away, five have 0.26 at most, a close-up 0.49."""
TURNED_AFTER_S = 4.0
"""The camera is turned away if there has been no face, and another scene, for so long (ours)."""
OTHER_SCENE, SAME_SCENE = 0.5, 0.58
"""Match of the scene up to which it is another one, and from which it is the same. With the driver drawn away, five
clips have 0.56 or more, those of cars 0.69. Two pictures of different rooms have 0.3 at most in 95 % of pairs."""
SCENE_AGE_S = 3.0
"""A comparison with the learned scene that is older says nothing about now (ours)."""
FACE_BACK_S = 0.5
"""A face that is visible for so long ends a state in which there can be none. One detection may be wrong (ours)."""
SUDDEN_S = 12.0
"""The same scene, or a face, must have been seen so long before the other scene, at most. Light that changes over
minutes is no camera that turns, and no driver is expected before the first face (ours)."""
BLUR_S = 6.0
"""Blur is judged by its median over so many seconds: a driver who moves is no lens out of focus (ours)."""
LEAST_BLURS = 4
"""Least number of measurements in that time."""
BLURRED, SHARP_AGAIN = 2.0, 1.4
"""Halvings of the fine detail against its best, from which the picture is blurred, and up to which it is sharp. Over
6 s, 52 clips of people have 1.3 at most. Defocus of 7 pixels at 640x480 makes 1.9 to 7, of 4 pixels 1.1 to 5.5."""
NEVER_SHARP = -11.0
"""Sharpness by itself, up to which a picture is blurred without a better one to compare with. The clips have -10.4 or
more, out of focus by 14 pixels -10 to -14; with much noise, as at night, this cannot be told."""
NEVER_SHARP_S = 60.0
"""Such a picture is out of focus after so long: the lens may be wet, the cabin without edges (ours)."""
SHAKE_S = 5.0
"""Shaking is judged over so many seconds (ours)."""
LEAST_SHAKES = 6
"""Least number of measurements in that time."""
SHAKEN = 0.006
"""Length of a shake, as a share of the picture's width, from which the picture shakes: 4 pixels of 640."""
SHAKEN_SHARE, STILL_SHARE = 0.6, 0.3
"""Share of such measurements from which the camera vibrates, and up to which it is still again."""


class CameraJudge:
    """Tells the state of the camera from its own state and from what perception measured of the scene."""

    def __init__(self) -> None:
        self._frozen = _Lasting(FROZEN_AFTER_S, 0.0)
        self._view, self._focus, self._shake = _ViewJudge(), _FocusJudge(), _ShakeJudge()

    def update(self, t: float, seen: Observation) -> CameraVerdict:
        """Take one frame at `t` seconds, and return the state of the camera."""
        frozen = self._frozen.update(t, seen.camera == "frozen")
        if frozen or seen.camera == "lost":
            return "frozen" if frozen else "lost"
        view = self._view.update(t, seen)
        blurred = self._focus.update(t, seen.scene, same_scene=seen.face is not None or self._view.same_scene)
        shaken = self._shake.update(t, seen.shake)
        return view or ("vibrating" if shaken else "out_of_focus" if blurred else "ok")


class _Lasting:
    """Whether a condition has been true for `after_s`, and since then not false for `clear_s`.

    While it is unknown, its time begins anew, but an answer stays.
    """

    def __init__(self, after_s: float, clear_s: float) -> None:
        self._after_s, self._clear_s = after_s, clear_s
        self._since: float | None = None
        self._back: float | None = None
        self.value = False

    @property
    def begun(self) -> bool:
        """Whether the condition was true in the last frame, or the answer is true."""
        return self.value or self._since is not None

    def update(self, t: float, holds: bool | None) -> bool:
        """Take one frame at `t` seconds, and return the answer."""
        if holds:
            self._since, self._back = t if self._since is None else self._since, None
            self.value = self.value or t - self._since >= self._after_s - EPSILON_S
            return self.value
        self._since = None
        if holds is None or not self.value:
            self._back = None
            return self.value
        self._back = t if self._back is None else self._back
        self.value = t - self._back < self._clear_s - EPSILON_S
        return self.value


class _ViewJudge:
    """Tells whether the lens is covered, and whether the camera is turned away."""

    def __init__(self) -> None:
        self._covered = _Lasting(COVERED_AFTER_S, 0.0)
        self._partly = _Lasting(PARTLY_AFTER_S, FACE_BACK_S)
        self._turned = _Lasting(TURNED_AFTER_S, FACE_BACK_S)
        self._scene: tuple[SceneView, float] | None = None
        self._same_t = -math.inf

    @property
    def same_scene(self) -> bool:
        """Whether the last picture that was compared showed the learned scene."""
        return self._scene is not None and (self._scene[0].match or 0.0) >= SAME_SCENE

    def update(self, t: float, seen: Observation) -> CameraVerdict | None:
        """Take one frame, and return "covered", "turned_away" or None."""
        if seen.scene is not None:
            self._scene = seen.scene, t
        elif self._scene is not None and t - self._scene[1] > SCENE_AGE_S:
            self._scene = None
        match, hidden = (self._scene[0].match, self._scene[0].hidden) if self._scene else (None, None)
        face = seen.face is not None
        if face or self.same_scene:
            self._same_t = t
        covered = self._covered.update(t, seen.camera == "covered")
        turned = self._turned.update(t, False if face else self._other_scene(t, match))
        partly = self._partly.update(t, False if face else _partly_covered(match, hidden))
        return "covered" if covered else "turned_away" if turned else "covered" if partly else None

    def _other_scene(self, t: float, match: float | None) -> bool | None:
        """Return whether the picture shows another scene than the learned one, None if unclear or gradual."""
        if match is None or OTHER_SCENE < match < SAME_SCENE:
            return None
        if match >= SAME_SCENE:
            return False
        return True if self._turned.begun or t - self._same_t <= SUDDEN_S else None


def _partly_covered(match: float | None, hidden: float | None) -> bool | None:
    """Return whether edges of the cabin are gone, while those that can be seen are in their places."""
    if hidden is None:
        return None
    return hidden >= HIDDEN_FROM and (match is None or match > OTHER_SCENE)


class _FocusJudge:
    """Tells whether the picture is out of focus: against its best, or by itself."""

    def __init__(self) -> None:
        self._blurs: deque[tuple[float, float]] = deque()
        self._never_sharp = _Lasting(NEVER_SHARP_S, BLUR_S)
        self._blurred = False

    def update(self, t: float, scene: SceneView | None, *, same_scene: bool) -> bool:
        """Take one frame. `same_scene`: only then can a picture be compared with its best."""
        blurs, changed = self._blurs, False
        if scene is not None:
            self._never_sharp.update(t, None if scene.sharpness is None else scene.sharpness <= NEVER_SHARP)
            if scene.blur is not None and same_scene:
                blurs.append((t, scene.blur))
                changed = True
        while blurs and t - blurs[0][0] > BLUR_S:
            blurs.popleft()
            changed = True
        if changed and len(blurs) >= LEAST_BLURS:
            usual = median_low([blur for _, blur in blurs])
            self._blurred = usual >= BLURRED or (self._blurred and usual > SHARP_AGAIN)
        return self._blurred or self._never_sharp.value


class _ShakeJudge:
    """Tells whether the camera vibrates: the picture shakes most of the time."""

    def __init__(self) -> None:
        self._shakes: deque[tuple[float, bool]] = deque()
        self._vibrating = False

    def update(self, t: float, shake: Shake | None) -> bool:
        """Take one frame at `t` seconds. `shake`: None if it was not measured."""
        if shake is not None:
            self._shakes.append((t, math.hypot(shake.x, shake.y) >= SHAKEN))
        while self._shakes and t - self._shakes[0][0] > SHAKE_S:
            self._shakes.popleft()
        if len(self._shakes) < LEAST_SHAKES:
            self._vibrating = False
        elif shake is not None:
            share = sum(shaken for _, shaken in self._shakes) / len(self._shakes)
            self._vibrating = share >= (STILL_SHARE if self._vibrating else SHAKEN_SHARE)
        return self._vibrating
