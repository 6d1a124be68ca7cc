"""Blind, partly or wholly: since when and why. A state of its own, never "attentive" and never "asleep"."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from driver_monitor.data.driver_state import Degraded
from driver_monitor.data.observation import EyeReason, Observation
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.stretch import Outage

FACE_AFTER_S = 2.0
"""No face for so long is a degraded state; shorter losses are turns of the head. Euro NCAP allows 10 s."""
EYES_AFTER_S = 3.0
"""The same for eyes that cannot be read: longer than a glance into a mirror or a hand passing by."""
FACE_HEAL_S = 0.25
"""A face must be back for so long: a single false detection is no driver."""
EYES_HEAL_S = 0.5
"""Eyes must be readable again for so long: a glimpse past the edge of sunglasses is not sight."""
_CAMERA: dict[str, Degraded] = {"lost": "no_camera", "frozen": "frozen", "covered": "covered"}


@dataclass(frozen=True, slots=True)
class Blindness:
    """Seconds without a usable picture, a face, readable eyes (0.0 when all is well), and the reason that counts."""

    camera_fault_s: float
    face_absent_s: float
    unread_s: float
    degraded: Degraded | None


class BlindnessTracker:
    """Times what is missing and names the cause: the camera before the face, the face before the eyes."""

    def __init__(self) -> None:
        self._camera, self._face, self._eyes = Outage(), Outage(FACE_HEAL_S), Outage(EYES_HEAL_S)
        self._blame: defaultdict[EyeReason, float] = defaultdict(float)

    def update(self, step: TimeStep, seen: Observation, reason: EyeReason | None) -> Blindness:
        """Take one frame; `reason`: why neither eye could be read in it, None when one could."""
        fault_s = self._camera.update(step.t, seen.camera != "ok")
        absent_s = self._face.update(step.t, seen.face is None)
        unread_s = self._eyes.update(step.t, reason is not None)
        if unread_s == 0.0:
            self._blame.clear()
        if reason is not None:
            self._blame[reason] += step.dt
        return Blindness(fault_s, absent_s, unread_s, self._name(seen, absent_s, unread_s))

    def _name(self, seen: Observation, absent_s: float, unread_s: float) -> Degraded | None:
        if seen.camera != "ok":
            return _CAMERA[seen.camera]
        if absent_s >= FACE_AFTER_S:
            if seen.face_reason == "covered":
                return "covered"
            return "dark" if seen.face_reason == "dark" or seen.light == "dark" else "no_face"
        if unread_s >= EYES_AFTER_S and self._blame:
            return max(self._blame, key=lambda reason: self._blame[reason])
        return None
