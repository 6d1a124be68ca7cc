"""Turns a frame into an observation: judges light and cover, finds the driver's face, and lets readers read it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from driver_monitor.data.observation import CameraState, FaceReason, Light, Observation
from driver_monitor.imaging.frame import Frame
from driver_monitor.perception.face.tracker import FaceTracker
from driver_monitor.perception.orientation import OrientationFinder
from driver_monitor.perception.reader import FacePicture, Reader
from driver_monitor.perception.scene.light import LightFilter
from driver_monitor.perception.scene.quality import picture_state
from driver_monitor.perception.scene.watch import SceneWatch
from driver_monitor.timing.periodic import PeriodicTimer

_log = logging.getLogger(__name__)

PICTURE_HZ = 5.0
"""Judgements of light and cover a second, while the lens is covered or another light is waiting to count. While neither
is so, every second judgement is left out: a cover or another light is then seen 0.2 s later at most. At less than 5
frames a second it is seen one frame later."""
_FIELDS = frozenset(field.name for field in fields(Observation))


class Perception:
    """Turns one frame at a time into an observation. Light and cover are judged as often as `PICTURE_HZ` says.

    `orientation`: finds out that the picture is turned; None: it is taken as upright. `rotated`: `camera.rotate`, the
    degrees by which the pictures were turned before.
    """

    def __init__(
        self,
        face: FaceTracker,
        readers: Sequence[Reader],
        orientation: OrientationFinder | None = None,
        rotated: int = 0,
    ) -> None:
        self._face, self._readers = face, tuple(readers)
        self._orientation, self._rotated = orientation, rotated
        self._picture_timer = PeriodicTimer(1.0 / PICTURE_HZ)
        self._light_filter = LightFilter()
        self._watch = SceneWatch()
        self._light: Light = "dark"
        self._grey: bool | None = None
        self._covered = False
        self._may_skip = False
        self._reported: int | None = None
        self._paused: str | None = None

    def pause_expressions(self, paused: bool) -> None:
        """With `paused`, read no expressions until the next call without it: they are unknown meanwhile."""
        self._paused = "expression" if paused else None

    def observe(self, frame: Frame, camera: CameraState = "ok") -> Observation:
        """Return what `frame` shows. A covered lens makes the camera state "covered", whatever `camera` says.

        A face is searched only if the camera state is then "ok". Otherwise `face_reason` is as in `observe_nothing`. If
        no face is found, `face_reason` is "dark" if the light is "dark", else "not_found". In a turned picture no
        face is searched, `face_reason` is "turned", and the log says once what to do.
        """
        if self._picture_timer.due(frame.t):
            self._judge_or_skip(frame)
        if self._covered or camera != "ok":
            return self.observe_nothing(frame.t, "covered" if self._covered else camera)
        if self._orientation is not None and (turn := self._orientation.update(frame.grey, frame.t)):
            rotate_to = (self._rotated + turn) % 360
            self._report_turn(frame.source, rotate_to)
            return replace(self._no_face(frame.t, camera, "turned"), rotate_to=rotate_to)
        face = self._face.update(frame.grey, frame.t)
        scene = self._watch.scene(frame.grey, frame.t, self._light, face)
        shake = self._watch.shake(frame.grey, frame.t)
        if face is None:
            reason: FaceReason = "dark" if self._light == "dark" else "not_found"
            return replace(self._no_face(frame.t, camera, reason), scene=scene, shake=shake)
        picture = FacePicture(frame.grey, face, self._light, frame.t)
        known: dict[str, Any] = {"eyes": None}
        extra: dict[str, object] = {}
        for reader in self._readers:
            if reader.field == self._paused:
                continue
            (known if reader.field in _FIELDS else extra)[reader.field] = reader.read(picture)
        known.update(extra=extra, grey=self._grey, scene=scene, shake=shake)
        return Observation(frame.t, camera, self._light, face, **known)

    def observe_nothing(self, t: float, camera: CameraState) -> Observation:
        """Return an observation without face at `t` s: last light, reason "covered" if `camera` is, else "no_frame"."""
        reason: FaceReason = "covered" if camera == "covered" else "no_frame"
        return self._no_face(t, camera, reason)

    def _no_face(self, t: float, camera: CameraState, reason: FaceReason) -> Observation:
        return Observation(t, camera, self._light, None, None, face_reason=reason, grey=self._grey)

    def _report_turn(self, source: str, rotate_to: int) -> None:
        if rotate_to != self._reported:
            self._reported = rotate_to
            _log.warning("%s: the picture is turned, so nobody is judged; set camera.rotate: %d", source, rotate_to)

    def _judge_or_skip(self, frame: Frame) -> None:
        """Judge light and cover, or leave it out once after a judgement that was as expected."""
        if self._may_skip:
            self._may_skip = False
            return
        picture = picture_state(frame.picture)
        self._covered = picture.covered
        self._grey = picture.grey
        self._light = self._light_filter.update(picture.light, frame.t)
        self._may_skip = not picture.covered and picture.light == self._light
