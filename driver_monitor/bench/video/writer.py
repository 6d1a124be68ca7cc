"""Writes video.mp4 of a run: the frames of the clip with what was read from them, at the times of the clip."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.recording import Recording
from driver_monitor.bench.runs.run_folder import VIDEO, RunFolder
from driver_monitor.bench.video.draw import FrameDrawer
from driver_monitor.bench.video.words import ShownAlerts
from driver_monitor.capture.recordings.timeline import DEFAULT_RATE
from driver_monitor.errors import UsageError
from driver_monitor.messages import trace

if TYPE_CHECKING:
    from driver_monitor.bench.replays.writers import ReplayedFrame

NOTICE = f"{VIDEO} shows the person in the clip: pass it on only with that person's consent"
"""Is shown to the user, and stands in run.json."""


def check_jobs(jobs: Iterable[ReplayJob]) -> None:
    """Raise `UsageError` if a job asks for a video of a trace."""
    for job in jobs:
        if job.files.video and trace.is_trace(job.clip):
            raise UsageError(f"{job.clip}: a trace holds no pictures; omit --video, or replay the clip itself")


class VideoFrames:
    """Draws and encodes each frame. `files` completes the video at the end; nothing but one picture is kept."""

    def __init__(self, job: ReplayJob, recording: Recording, folder: RunFolder, files: ExitStack) -> None:
        from driver_monitor.bench.video.encode import Mp4Writer  # FFmpeg's libraries are large

        facts = None if recording.camera is None else recording.camera.facts()
        rate = (facts and facts.rate) or DEFAULT_RATE
        self._mp4 = files.enter_context(Mp4Writer(files.enter_context(folder.open_binary(VIDEO)), rate / job.every))
        self._alerts = ShownAlerts()
        self._drawer: FrameDrawer | None = None

    def write(self, frame: ReplayedFrame) -> None:
        """See `RunWriter`. Only what went through the privacy filter is drawn."""
        banners = self._alerts.update(frame.line["alerts"], frame.alerts)
        if frame.picture is None:
            return
        picture, face = frame.picture.image, frame.observation.face
        if self._drawer is None:
            self._drawer = FrameDrawer(picture.shape[1], picture.shape[0])
        drawn = self._drawer.draw(picture, frame.line, None if face is None else face.points, banners)
        self._mp4.write(drawn, frame.picture.t)
