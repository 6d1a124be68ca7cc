"""The file batch.jsonl of a batch: a line for each clip that has ended, written as it ends.

Truth about a run is its run.json. This file spares a continued batch the reading of all clips: it holds the hash of
each one, with the sizes and times of the file that it was made from. It also lists what failed, and why.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from driver_monitor.bench.batch.processes import Outcome
from driver_monitor.bench.batch.shard import Shard
from driver_monitor.bench.replays.job import ReplayJob, ReplayResult
from driver_monitor.bench.replays.recording import digest
from driver_monitor.disk.regular_file import open_regular
from driver_monitor.errors import OutputError

STEM, SUFFIX = "batch", ".jsonl"


def signature(clip: Path) -> str:
    """Return a text that changes when a clip changes: from size, time of change (mtime) and time of the inode (ctime).

    A program can put the old mtime back; nobody can set ctime. For a folder, that of all its files. Raises `OSError`.
    """
    paths = sorted(clip.iterdir()) if clip.is_dir() else [clip]
    status = [(path.name, path.stat()) for path in paths]
    parts = [f"{name}:{one.st_size}:{one.st_mtime_ns}:{one.st_ctime_ns}" for name, one in status]
    return parts[0] if not clip.is_dir() else hashlib.sha256(os.fsencode("\n".join(parts))).hexdigest()


class BatchManifest:
    """Reads batch.jsonl and those of all shards in the folder `out`, and writes one of them.

    Each shard writes a file of its own: on a network drive, lines that two machines append get mixed up.
    """

    def __init__(self, out: Path, shard: Shard | None = None) -> None:
        name = STEM if shard is None else f"{STEM}-{shard.number}-of-{shard.count}"
        self._out, self._path = out, out / f"{name}{SUFFIX}"
        self._hashes: dict[tuple[str, str], str] = {}
        self._before: dict[Path, str] = {}

    def __enter__(self) -> BatchManifest:
        """Read the files, and open the own one. Raises `OutputError`, also at the end of the `with` block."""
        for path in sorted(self._out.glob(f"{STEM}*{SUFFIX}")):
            self._read(path)
        try:
            self._out.mkdir(parents=True, exist_ok=True)
            self._file = open(self._path, "a+b", opener=open_regular)
            # A killed run may have left half a line.
            if self._file.tell() and os.pread(self._file.fileno(), 1, self._file.tell() - 1) != b"\n":
                self._file.write(b"\n")
        except OSError as error:
            raise OutputError(
                f"{self._path}: cannot write: {error.strerror}; choose another folder with --out"
            ) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._file.close()
        except OSError as fault:
            if error is None:  # Else that error says more; often it is the same.
                raise self._full(fault) from fault

    def sha256(self, clip: Path) -> str:
        """Return the SHA-256 of `clip`, from an earlier run if the file has not changed. Raises `SourceError`."""
        before = _signature_or_none(clip)
        known = self._hashes.get((str(clip.absolute()), before or ""))
        return known or digest(clip)

    def begin(self, jobs: Iterable[ReplayJob]) -> None:
        """Keep what the clips look like before they are replayed."""
        self._before = {job.clip: one for job in jobs if (one := _signature_or_none(job.clip)) is not None}

    def add(self, outcome: Outcome[ReplayJob, ReplayResult]) -> None:
        """Write the line of a job that has ended. Raises `OutputError`."""
        job, result = outcome.job, outcome.result
        line: dict[str, Any] = {
            "clip": str(job.clip.absolute()),
            "folder": os.path.relpath(job.folder, self._out),
            "state": "failed" if result is None else "complete",
        }
        if result is None:
            line["error"] = outcome.error
        else:
            line |= {"frames": result.frames, "seconds": round(result.seconds, 3), "alerts": len(result.alerts)}
            line["sha256"] = result.sha256
            # A clip that changed meanwhile may have been hashed before or after that.
            if (before := self._before.get(job.clip)) is not None and before == _signature_or_none(job.clip):
                line["file"] = before
        try:
            self._file.write(json.dumps(line, ensure_ascii=True).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise self._full(error) from error

    def _full(self, error: OSError) -> OutputError:
        return OutputError(f"{self._path}: cannot write: {error.strerror}; look for space on the disk")

    def _read(self, path: Path) -> None:
        try:
            with open(path, "rb", opener=open_regular) as file:
                for line in file:
                    self._take(line)
        except OSError:
            return  # Then the clips are hashed.

    def _take(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            clip, file, sha256 = entry["clip"], entry["file"], entry["sha256"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return  # Half a line, or a clip that failed.
        if isinstance(clip, str) and isinstance(file, str) and isinstance(sha256, str):
            self._hashes[clip, file] = sha256


def _signature_or_none(clip: Path) -> str | None:
    try:
        return signature(clip)
    except OSError:
        return None
