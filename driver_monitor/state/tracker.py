"""Turns observations over time into the driver state. Pure: the observations hold the times."""

from __future__ import annotations

import math

from driver_monitor.data.driver_state import DriverState, GazeReason
from driver_monitor.data.observation import EyeReason, HeadPose, Observation
from driver_monitor.state.expression.expression_tracker import ExpressionTracker
from driver_monitor.state.eyes.blinks import BlinkMeter
from driver_monitor.state.eyes.closure import may_be_lowered
from driver_monitor.state.eyes.eyelids import Eyelids
from driver_monitor.state.eyes.past_yawn import PastYawnMeter
from driver_monitor.state.eyes.perclos import PerclosMeter
from driver_monitor.state.gaze.gaze_tracker import GazeTracker
from driver_monitor.state.gaze.head_place import HeadPlace
from driver_monitor.state.gaze.regions import Wheel
from driver_monitor.state.objects.objects_tracker import ObjectsTracker
from driver_monitor.state.sleepiness.drowsiness import DrowsinessMeter
from driver_monitor.state.sleepiness.nods import NodCounter
from driver_monitor.state.sleepiness.yawns import YawnCounter
from driver_monitor.state.visibility.camera_judge import CameraJudge
from driver_monitor.state.visibility.degraded import BlindnessTracker
from driver_monitor.state.visibility.occlusion import OcclusionTracker
from driver_monitor.timing.cadence import Cadence, TimeStep


class StateTracker:
    """Makes the driver state from observations. Every frame gives a state.

    A frame gives the last state again if its time is not finite, or not later than that of the frame before. A first
    frame without a finite time is judged as at 0 s. `expressions`: the tracker to use, None for a default one.
    `wheel`: the driver's side of the car; "right" mirrors the regions of the gaze.
    """

    def __init__(self, expressions: ExpressionTracker | None = None, wheel: Wheel = "left") -> None:
        self._expressions = ExpressionTracker() if expressions is None else expressions
        self._cadence = Cadence()
        self._lids = Eyelids()
        self._perclos = PerclosMeter()
        self._past_yawn = PastYawnMeter()
        self._blinks = BlinkMeter()
        self._nods = NodCounter()
        self._drowsiness = DrowsinessMeter()
        self._gaze = GazeTracker(wheel)
        self._head_place = HeadPlace()
        self._yawns = YawnCounter()
        self._camera = CameraJudge()
        self._blindness = BlindnessTracker()
        self._occlusion = OcclusionTracker()
        self._objects = ObjectsTracker()
        self._state: DriverState | None = None

    def update(self, seen: Observation) -> DriverState:
        """Take one frame's observation and return what is then known of the driver."""
        step = self._cadence.step(seen.t, seen.bridged)
        if step is None:
            if self._state is not None:
                return self._state
            # A first frame without a time can be judged, but nothing begins with it.
            step = TimeStep(0.0, 0.0, 0.0)
        self._state = self._next(step, seen)
        return self._state

    def _next(self, step: TimeStep, seen: Observation) -> DriverState:
        face, head, no_eyes, no_face = seen.face, _head(seen), _no_eyes(seen), _no_face(seen)
        objects = self._objects.update(step.t, seen.objects)
        seen_eyes = self._objects.eyes(step.t, objects, seen.eyes if face else None, self._occlusion.cover)
        direction = self._gaze.direction(step, face.head if face else None, seen_eyes)
        may_learn = direction is not None and self._gaze.straight_ahead.may_learn_from(direction.direction)
        eyes = self._lids.update(step, seen_eyes, no_eyes, may_learn, self._yawns.thrown_back)
        leans = self._head_place.update(step, face.box if face else None, may_learn)
        gaze = self._gaze.update(step, direction, eyes.state, no_face, may_be_lowered(eyes), leans)
        blink = self._blinks.update(step, eyes.openness)
        nods = self._nods.update(step, face.head.pitch if face and face.head else None, eyes.state)
        perclos = self._perclos.update(step, eyes.state, self._lids.closure, eyes.p_closure)
        hidden_mouth = objects.mouth_hidden if objects else None
        occlusion = self._occlusion.update(step, face, eyes.reason, hidden_mouth)
        masked = occlusion is not None and occlusion.mouth is True
        opening = face.mouth_opening if face and not masked else None
        mouth = self._yawns.update(step, opening, eyes.state == "closed", head.pitch if head else None)
        past_yawn_s = self._past_yawn.update(self._lids.closure, self._yawns.under_way, self._yawns.likely)
        camera = self._camera.update(step.t, seen)
        degraded = self._blindness.update(step, seen, eyes.reason, camera)
        # A yawn hides the expression: the net takes one yawn in five for anger or fear (models/emotion.md).
        valid = face is not None and not mouth.yawning and not masked
        return DriverState(
            t=step.t,
            step=step,
            camera=camera,
            light=seen.light,
            face=face,
            face_reason=seen.face_reason,
            eyes=eyes,
            head=head,
            gaze=gaze,
            mouth=mouth,
            emotion=self._expressions.update(step, seen.light, seen.expression, valid),
            perclos=perclos,
            blink_rate=self._perclos.blinks_per_min,
            drowsiness=self._drowsiness.update(step.t, blink, perclos, mouth.yawns, nods),
            degraded=degraded,
            face_absent_s=self._blindness.face.length_s,
            camera_fault_s=self._blindness.camera.length_s,
            unread_s=self._blindness.eyes.length_s,
            occlusion=occlusion,
            blink=blink,
            nods=nods,
            vehicle=seen.vehicle,
            rotate_to=seen.rotate_to,
            past_yawn_s=past_yawn_s,
            camera_poor_s=self._blindness.poor.length_s,
            objects=objects,
        )


def _no_eyes(seen: Observation) -> EyeReason:
    return "dark" if seen.face is None and "dark" in (seen.face_reason, seen.light) else "no_face"


def _no_face(seen: Observation) -> GazeReason | None:
    """Return why there is no face, None if there is one."""
    if seen.face is not None:
        return None
    return "no_face" if seen.camera == "ok" and seen.face_reason == "not_found" else "no_picture"


def _head(seen: Observation) -> HeadPose | None:
    """Return the head pose, None if any of its angles is not finite."""
    head = seen.face.head if seen.face else None
    return head if head is not None and math.isfinite(head.yaw + head.pitch + head.roll) else None
