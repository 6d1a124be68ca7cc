"""What a replay writes while it runs: one writer for each file of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

from driver_monitor.app.pipeline import FrameResult
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.recording import Recording
from driver_monitor.bench.replays.table_writer import TableRows
from driver_monitor.bench.runs.run_folder import EVENTS, PACKED_SIGNALS, SIGNALS, RunFolder
from driver_monitor.bench.video.writer import VideoFrames
from driver_monitor.data.observation import Observation
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages import trace


@dataclass(frozen=True, slots=True, eq=False)
class ReplayedFrame:
    """One frame of a replay. `number`: in the clip, from 0. `picture`: None in a trace. `result`: not filtered.

    `observation`, `line` (of signals.jsonl) and `alerts` (raised, escalated or cleared in this frame) went through the
    privacy filter: only these may be written.
    """

    number: int
    picture: Frame | None
    result: FrameResult
    observation: Observation
    line: Mapping[str, Any]
    alerts: tuple[Mapping[str, Any], ...]


class RunWriter(Protocol):
    """Writes one file of a run. It closes its file by the `ExitStack` that it is opened with."""

    def write(self, frame: ReplayedFrame) -> None:
        """Take the next frame of the replay."""


def open_writers(job: ReplayJob, recording: Recording, folder: RunFolder, files: ExitStack) -> list[RunWriter]:
    """Return the writers of the files that `job` asks for. `files` closes them. Raises `OutputError`."""
    writers: list[RunWriter] = [
        SignalLines(files.enter_context(folder.open(PACKED_SIGNALS if job.files.gzip else SIGNALS))),
        AlertLines(files.enter_context(folder.open(EVENTS))),
    ]
    if job.files.trace:
        header = trace.Header(recording.trip, recording.origin.models)
        writers.append(TraceLines(files.enter_context(folder.open(trace.NAME)), header))
    if job.files.tables is not None:
        writers.append(TableRows(job.files.tables, folder, files))
    if job.files.video:
        writers.append(VideoFrames(job, recording, folder, files))
    return writers


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False)
"""Made once: `json.dumps` makes one for each message. No message of ours contains itself."""


def to_line(message: Mapping[str, Any]) -> str:
    """Return `message` as one line of JSON, with its line end. Raises `ValueError` for NaN or infinity."""
    return _ENCODER.encode(message) + "\n"


class SignalLines:
    """Writes signals.jsonl: a line for each frame."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, frame: ReplayedFrame) -> None:
        """See `RunWriter`."""
        self._file.write(to_line(frame.line))


class AlertLines:
    """Writes events.jsonl: a line for each alert, with the number of its frame."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, frame: ReplayedFrame) -> None:
        """See `RunWriter`."""
        for alert in frame.alerts:
            self._file.write(to_line(alert))


class TraceLines:
    """Writes a trace, which can be replayed again."""

    def __init__(self, file: TextIO, header: trace.Header) -> None:
        self._file = file
        file.write(trace.line(header.to_json()))

    def write(self, frame: ReplayedFrame) -> None:
        """See `RunWriter`."""
        self._file.write(trace.line(trace.encode(frame.number, frame.observation)))
