"""A file of the program's own is read, or refused at once, whatever somebody has put in its place."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from driver_monitor.disk.regular_file import read_regular


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


PLACED: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: None,
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a socket": listening,
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "a device that never ends": lambda path: path.symlink_to("/dev/zero"),
    "a terminal": lambda path: path.symlink_to("/dev/ptmx"),
}


@pytest.mark.parametrize("placed", PLACED)
def test_fail__what_is_no_regular_file_is_refused_at_once_and_stays_closed(tmp_path: Path, placed: str) -> None:
    path = tmp_path / "own.json"
    PLACED[placed](path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError):  # noqa: PT011 - the kinds have different errors
        read_regular(path, 100)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_ok__a_regular_file_is_read_up_to_the_limit_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 5_000_000)
    (tmp_path / "link").symlink_to("file")
    assert len(read_regular(tmp_path / "link", 10_000_000)) == 5_000_000
    assert read_regular(tmp_path / "file", 3) == b"xxx"
    assert read_regular(tmp_path / "file", 0) == b""
