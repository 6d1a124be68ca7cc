"""The clips to label, each made ready when it is opened first: indexed, and replayed unless a run is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from driver_monitor import __version__, demo
from driver_monitor.app import build
from driver_monitor.app.build import Plan
from driver_monitor.bench.batch.jobs import name_of
from driver_monitor.bench.label.label_file import LabelFile
from driver_monitor.bench.label.session import LabelSession
from driver_monitor.bench.label.signals import ClipSignals, check_run, found_run, of_replay, of_run
from driver_monitor.bench.replays.recording import digest
from driver_monitor.capture.recordings.indexed_clip import IndexedClip
from driver_monitor.errors import RunError, UsageError
from driver_monitor.web.server import End

OnStep = Callable[[str, int, int | None], None]
"""Is called with what is done, the number of frames done, and the number of all frames (None: not known)."""


@dataclass(frozen=True, slots=True)
class DeskSetting:
    """What a desk is made of. `labels`: folder of the label files. `run`: folder of a run of the clip, or None.

    `runs`: folder in which `replay` writes by default; a run there is used if it is of this clip and these versions.
    `person`: of new labels; empty: the page asks.
    """

    clips: Sequence[Path]
    labels: Path
    plan: Plan
    run: Path | None = None
    runs: Path = Path("replay")
    person: str = ""


class LabelDesk:
    """Opens the clips of a setting, and is the `PageLife` of the page: it ends when the program is stopped.

    `on_step`: hears of the progress. Raises `UsageError`: two clips have one label file.
    """

    def __init__(self, setting: DeskSetting, on_step: OnStep) -> None:
        self.ended: End | None = None
        self.names = [clip.name for clip in setting.clips]
        self._setting, self._on_step = setting, on_step
        self._files = [setting.labels / f"{name_of(clip).name}.json" for clip in setting.clips]
        if len(set(self._files)) < len(self._files):
            twice = next(file for file in self._files if self._files.count(file) > 1)
            raise UsageError(f"{twice}: two of the clips have this label file; label one of them with another --labels")
        self._sessions: dict[int, LabelSession] = {}
        self._lock = threading.Lock()
        self.step = ("", 0, 0)
        """What is done for the clip that is being opened, frames done, frames in all (0: not known)."""

    def session(self, index: int) -> LabelSession:
        """Return the session of a clip, made ready first if it is not open yet. Raises `DriverMonitorError`."""
        with self._lock:
            if index not in self._sessions:
                self._sessions[index] = self._open(self._setting.clips[index], self._files[index])
            return self._sessions[index]

    def time_is_over(self) -> bool:
        """See `PageLife`: a person labels as long as they want."""
        return False

    def retry(self) -> None:
        """Save again what could not be saved."""
        for session in list(self._sessions.values()):
            session.retry()

    def faults(self) -> list[str]:
        """Return a line for each clip whose newest labels are not in its file."""
        return [fault for session in self._sessions.values() if (fault := session.fault) is not None]

    def close(self) -> None:
        """Release all clips."""
        for session in self._sessions.values():
            session.close()

    def _open(self, clip: Path, file: Path) -> LabelSession:
        config = self._setting.plan.config.camera
        labels = LabelFile(file)
        labels.load()  # a wrong file is told before the clip is replayed
        source = IndexedClip(clip, config.track, lambda done, total: self._tell("Numbering frames", done, total))
        seen = self._signals(clip)
        if len(seen.track) != len(source.frames):
            raise RunError(f"{clip}: has {len(source.frames)} frames, the run {len(seen.track)}; replay the clip again")
        degrees = config.rotate if clip != demo.CLIP else 0
        profile, person = self._setting.plan.profile, self._setting.person
        return LabelSession(clip.name, source, seen, labels, profile, person, degrees)

    def _signals(self, clip: Path) -> ClipSignals:
        plan, sha256 = self._setting.plan, digest(clip)
        if self._setting.run is not None:
            return of_run(check_run(self._setting.run, clip, sha256, plan.profile.name))
        models = build.load_models(plan.config)
        origin = build.provenance(plan, models.digest)
        wanted: dict[str, Any] = {
            "sha256": sha256,
            "model": origin.models,
            "config": origin.config,
            "profile": origin.profile,
        }
        wanted |= {"version": __version__, "every": 1, "fps": None, "vehicle_sha256": None}
        run = found_run(self._setting.runs / name_of(clip), wanted)
        if run is not None:
            return of_run(run)
        return of_replay(clip, plan, models, lambda done, total: self._tell("Replaying", done, total))

    def _tell(self, what: str, done: int, total: int | None) -> None:
        self.step = what, done, total or 0
        self._on_step(what, done, total)
