"""What a replay is asked for, and what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class RunFiles:
    """Which files a run has beside run.json, events.jsonl and signals.jsonl.

    `trace`: a trace. `report`: report.html. `pictures`: it shows pictures at the alerts. `gzip`: signals.jsonl.gz
    instead of signals.jsonl. `tables`: also signals and events as tables, `parquet` or `csv`; None: no tables. `video`:
    video.mp4.
    """

    trace: bool = False
    report: bool = False
    pictures: bool = False
    gzip: bool = False
    tables: str | None = None
    video: bool = False


LINES_ONLY = RunFiles()


@dataclass(frozen=True, slots=True)
class ReplayJob:
    """Describes one replay of `clip`: a clip, folder of images or trace. The results go into `folder`.

    `every`: use every Nth frame. `fps`: frames per second of images, or of a clip without a rate. `files`: what to
    write. `labels`: the label file of the clip, for the report.
    """

    clip: Path
    folder: Path
    every: int = 1
    fps: float | None = None
    files: RunFiles = LINES_ONLY
    labels: Path | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The values that run.json holds."""
        return {"every": self.every, "fps": self.fps, **asdict(self.files)}


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay did. `frames`: number used. `seconds`: time of the last frame. `alerts`: those in events.jsonl.

    `sha256`: of the clip.
    """

    clip: Path
    folder: Path
    frames: int = 0
    seconds: float = 0.0
    alerts: tuple[Mapping[str, Any], ...] = ()
    sha256: str = ""
