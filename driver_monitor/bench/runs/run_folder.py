"""The folder with the results of one run: made beside its place, put there in one step, never over other files."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import gzip
import hashlib
import io
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TextIO

from driver_monitor.disk.regular_file import read_regular
from driver_monitor.errors import OutputError
from driver_monitor.messages import trace

SIGNALS, EVENTS, RUN = "signals.jsonl", "events.jsonl", "run.json"
REPORT, VIDEO, PACKED_SIGNALS = "report.html", "video.mp4", f"{SIGNALS}.gz"
TABLES = frozenset(f"{name}.{form}" for name in ("signals", "events") for form in ("parquet", "csv"))
NAMES = frozenset({SIGNALS, PACKED_SIGNALS, EVENTS, RUN, trace.NAME, REPORT, VIDEO}) | TABLES
"""All files that a run may have."""
LONGEST_NAME = 255
"""Bytes of the longest file name on Linux (NAME_MAX)."""
MAX_RUN_BYTES = 1_000_000
"""A larger run.json is not ours."""
AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""Arguments of renameat2(2): paths are relative to the working folder; the two names are exchanged."""


def clip_id(clip: Path) -> str:
    """Return eight hexadecimal digits that tell the paths of clips apart: of the SHA-256 of the absolute path."""
    return hashlib.sha256(os.fsencode(os.path.realpath(clip))).hexdigest()[:8]


def choose(places: Iterable[tuple[Path, Path]], out: Path) -> dict[Path, Path]:
    """Return the folder of each clip. `places`: the clip, and its wished folder relative to `out`.

    A clip gets its wished folder, unless this belongs to another clip, on the disk or earlier in `places`, or holds
    other files. Then it gets `out/<name>-<clip_id>`, and keeps it in later runs.
    """
    chosen: dict[Path, Path] = {}
    taken: set[Path] = set()
    above: set[Path] = set()
    for clip, wished in places:
        own = clip_id(clip)
        plain, other = out / wished, out / _with_id(wished.name, own)
        free = plain not in taken and plain not in above and not taken.intersection(plain.parents)
        free = free and not other.exists() and may_replace(plain, own)
        folder = chosen[clip] = plain if free or lies_in(clip, plain) else other
        taken.add(folder)
        above.update(folder.parents)
    return chosen


def lies_in(clip: Path, folder: Path) -> bool:
    """Return whether `clip` is itself a file of a run, a trace, in `folder`. A new run must not take its place."""
    return clip.name in NAMES and os.path.realpath(folder / clip.name) == os.path.realpath(clip)


def _with_id(name: str, own: str) -> str:
    return os.fsdecode(os.fsencode(name)[: LONGEST_NAME - len(own) - 1]) + f"-{own}"


def may_replace(folder: Path, own: str) -> bool:
    """Return whether `folder` is missing, empty, or holds nothing but the results of the clip with this `clip_id`."""
    try:
        names = {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return not folder.is_symlink()
    except OSError:
        return not os.path.lexists(folder)
    return not folder.is_symlink() and (not names or (names <= NAMES and _owner(folder) == own))


def _owner(folder: Path) -> str | None:
    try:
        return str(json.loads(read_regular(folder / RUN, MAX_RUN_BYTES))["clip_id"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


class RunFolder:
    """Collects the files of one run in a hidden folder beside `target`. `publish` puts them in place in one step.

    Leaving the `with` block without `publish` removes them. Two runs at once do not meet: each hidden folder has a name
    of its own, and is locked while its run lives. Hidden folders that a killed run of this clip left are removed.
    All methods raise `OutputError` if a file or folder cannot be written.
    """

    def __init__(self, target: Path, own: str) -> None:
        self._target, self._own = target, own
        self._old = _identity(target)
        self._folder = target
        self._lock = -1

    def __enter__(self) -> RunFolder:
        with _shown(self._target):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            if not may_replace(self._target, self._own):
                raise OutputError(f"{self._target}: holds other files; choose another folder with --out")
            remove_remains(self._target, self._own)
            self._folder, self._lock = _new_folder(self._target.parent, self._own)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)

    @property
    def path(self) -> Path:
        """The hidden folder in which the files lie until `publish`."""
        return self._folder

    @contextmanager
    def open(self, name: str) -> Iterator[TextIO]:
        """Open a file of the run for writing; a name that ends in .gz is compressed. It is on the disk at the end."""
        with self.open_binary(name) as raw:
            # Without time and file name in the header, the same clip gives the same bytes.
            packed = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if name.endswith(".gz") else None
            file = io.TextIOWrapper(packed or raw, "utf-8", "backslashreplace")
            yield file
            file.detach() if packed is None else file.close()

    @contextmanager
    def open_binary(self, name: str) -> Iterator[BinaryIO]:
        """Open a file of the run for writing bytes. It is on the disk at the end."""
        with _shown(self._target / name), (self._folder / name).open("wb") as raw:
            yield raw
            raw.flush()
            os.fsync(raw.fileno())

    def describe(self, run: Mapping[str, Any]) -> None:
        """Write run.json: what the run is, and how far it is."""
        with self.open(RUN) as file:
            file.write(json.dumps(run, ensure_ascii=False, allow_nan=False, indent=2) + "\n")

    def sizes(self) -> dict[str, int]:
        """Return name -> bytes of the files so far, without run.json, in order of name."""
        return {path.name: path.stat().st_size for path in sorted(self._folder.iterdir()) if path.name != RUN}

    def publish(self) -> None:
        """Put the folder in the place of `target`, and remove the results of an earlier run that lay there."""
        with _shown(self._target):
            if not may_replace(self._target, self._own):
                raise OutputError(f"{self._target}: another run has put its files here; run this one again")
            _replace(self._folder, self._target)

    def remove_old(self) -> None:
        """Remove the results of an earlier run of this clip: they must not be taken for those of a run that failed."""
        if self._old is not None and _identity(self._target) == self._old and may_replace(self._target, self._own):
            with suppress(OSError):
                self._target.rename(self._folder / "old")


def remove_remains(target: Path, own: str, wait_s: float = 0.0) -> None:
    """Remove the hidden folders that killed runs of the clip with this `clip_id` left beside `target`.

    `wait_s`: how long to wait for a run that is about to end: the kernel frees locks a moment after a kill.
    """
    end = time.monotonic() + wait_s
    for remains in target.parent.glob(f".{own}.*.part"):
        with suppress(OSError):
            lock = os.open(remains, os.O_RDONLY | os.O_DIRECTORY)
            try:
                while not _locked(lock) and time.monotonic() < end:
                    time.sleep(0.02)
                if _locked(lock):
                    shutil.rmtree(remains, ignore_errors=True)
            finally:
                os.close(lock)


def _locked(folder: int) -> bool:
    """Lock an open folder, if no other process has. Return whether this process has the lock."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _new_folder(parent: Path, own: str) -> tuple[Path, int]:
    while True:
        folder = parent / f".{own}.{secrets.token_hex(4)}.part"
        folder.mkdir()
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        with suppress(OSError):  # a network file system may have no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder, lock
        os.close(lock)  # Another run took it for remains before it was locked.


def _replace(new: Path, target: Path) -> None:
    """Rename the folder `new` to `target`. If `target` exists, it gets the name `new` in the same step."""
    try:
        new.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if not _exchange(new, target):
            # The name of `remove_remains`: if the process is killed here, the next run removes it.
            aside = new.with_name(f"{new.name.removesuffix('.part')}-old.part")
            target.rename(aside)
            try:
                new.rename(target)
            except OSError:
                aside.rename(target)
                raise
            aside.rename(new)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step. Return False if this system or file system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return False
    return bool(rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0)


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = os.lstat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def _shown(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot write: {error.strerror}; choose another folder with --out") from error
