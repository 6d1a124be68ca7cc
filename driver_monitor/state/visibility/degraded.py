"""Times what cannot be seen, and names the cause: a camera fault, no face or unreadable eyes."""

from __future__ import annotations

from collections import defaultdict

from driver_monitor.data.driver_state import CameraVerdict, Degraded
from driver_monitor.data.observation import EyeReason, Observation
from driver_monitor.timing.cadence import TimeStep
from driver_monitor.timing.stretch import Outage

FACE_AFTER_S = 2.0
"""No face for so long is degraded. Shorter losses are turns of the head (ours). Euro NCAP Safe Driving v10.4
allows 10 s (as reported)."""
EYES_AFTER_S = 3.0
"""Unreadable eyes for so long are degraded: longer than a glance into a mirror, or a hand that passes by."""
FACE_HEAL_S = 0.25
"""A face must be back for so long. A single false detection is no driver."""
EYES_HEAL_S = 0.5
"""Eyes must be readable again for so long. A short view past the edge of sunglasses does not count."""
FAULTS: dict[CameraVerdict, Degraded] = {
    "lost": "no_camera", "frozen": "frozen", "covered": "covered", "turned_away": "turned_away"
}  # fmt: skip
"""Camera states in which there is no usable picture, and what they are as a cause."""
POOR: dict[CameraVerdict, Degraded] = {"out_of_focus": "out_of_focus", "vibrating": "vibrating"}
"""Camera states in which the picture is usable, but poor."""


class BlindnessTracker:
    """Times what is missing and names one cause: the camera before the face, the face before the eyes.

    `camera`, `poor`, `face`, `eyes`: the timers of no usable picture, a poor one, no face, no readable eye. A camera
    fault is a cause at once, no face after `FACE_AFTER_S`, unreadable eyes after `EYES_AFTER_S`. A poor picture is one
    while there is a face: it names why the eyes cannot be read, or may be read wrongly.
    """

    def __init__(self) -> None:
        self.camera, self.poor = Outage(), Outage()
        self.face, self.eyes = Outage(FACE_HEAL_S), Outage(EYES_HEAL_S)
        self._reasons: defaultdict[EyeReason, float] = defaultdict(float)

    def update(
        self, step: TimeStep, seen: Observation, reason: EyeReason | None, camera: CameraVerdict
    ) -> Degraded | None:
        """Take one frame, return the cause or None. `reason`: why no eye could be read in it, None if one could.

        `camera`: the state of the camera, judged over time.
        """
        missing = (camera in FAULTS, camera in POOR, seen.face is None, reason is not None)
        for outage, is_missing in zip((self.camera, self.poor, self.face, self.eyes), missing, strict=True):
            if is_missing or outage.running:
                outage.update(step.t, is_missing)
        if self.eyes.length_s == 0.0:
            self._reasons.clear()
        if reason is not None:
            self._reasons[reason] += step.dt
        if camera in FAULTS:
            return FAULTS[camera]
        if seen.face_reason == "turned":
            return "turned"
        if self.face.length_s >= FACE_AFTER_S:
            return _no_face(seen)
        if camera in POOR:
            return POOR[camera]
        if self.eyes.length_s >= EYES_AFTER_S and self._reasons:
            return max(self._reasons, key=lambda reason: self._reasons[reason])
        return None


def _no_face(seen: Observation) -> Degraded:
    if seen.face_reason == "covered":
        return "covered"
    return "dark" if seen.face_reason == "dark" or seen.light == "dark" else "no_face"
