"""Find the recordings that a user names: clips in a folder and its subfolders, or a folder of pictures."""

from __future__ import annotations

import stat
from pathlib import Path

from driver_monitor.capture.recordings import images

SUFFIXES = frozenset(
    {
        *(".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
        *(".mts", ".ogv", ".ts", ".webm", ".wmv"),
        *(".264", ".265", ".h264", ".h265", ".hevc"),
    }
)
"""Suffixes of clips; other files in a folder are ignored."""


def find_files(folder: Path, suffixes: frozenset[str]) -> tuple[list[Path], list[str]]:
    """Return the files with one of `suffixes` in `folder` and its subfolders, in order of path, and a line per fault.

    Names that begin with a dot are ignored. Links are followed; no folder is read twice. Faults: a folder that cannot
    be read, a link that leads nowhere, and what has such a suffix and is no file. Nothing is opened.
    """
    found: list[Path] = []
    faults: list[str] = []
    seen: set[tuple[int, int]] = set()
    todo = [folder]
    while todo:
        here = todo.pop()
        try:
            status = here.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            paths = sorted(path for path in here.iterdir() if not path.name.startswith("."))
        except OSError as error:
            faults.append(f"{here}: cannot read this folder: {error.strerror}; check the path and its permissions")
            continue
        for path in paths:
            wanted = path.suffix.lower() in suffixes
            try:
                mode = path.stat().st_mode
            except OSError as error:
                if wanted or path.is_symlink():
                    faults.append(f"{path}: cannot be read: {error.strerror}; correct or remove it")
                continue
            if stat.S_ISDIR(mode):
                todo.append(path)
            elif wanted and stat.S_ISREG(mode):
                found.append(path)
            elif wanted:
                faults.append(f"{path}: is not a regular file; replace it by one or remove it")
    return sorted(found), sorted(faults)


def only_pictures(folder: Path) -> bool:
    """Return whether `folder` holds pictures and nothing else. Names that begin with a dot are ignored."""
    try:
        paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError:
        return False
    return bool(paths) and all(path.suffix.lower() in images.SUFFIXES and not is_folder(path) for path in paths)


def is_folder(path: Path) -> bool:
    """Return whether `path` is a folder. A path that cannot be examined is none."""
    try:
        return path.is_dir()
    except OSError:
        return False
