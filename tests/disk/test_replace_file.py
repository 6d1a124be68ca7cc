"""A file is replaced in one step: whoever looks finds the old content or the new one, and no remains."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from driver_monitor.disk.replace_file import replace_file


def test_ok__the_new_content_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"old and longer")
    replace_file(path, b"new", 0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_fail__a_full_disk_leaves_the_old_content_and_no_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path, drafts = tmp_path / "page.html", tmp_path / "drafts"
    drafts.mkdir()
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"new", folder=drafts)
    assert path.read_bytes() == b"old"
    assert (sorted(tmp_path.iterdir()), list(drafts.iterdir())) == ([drafts, path], [])


def test_fail__a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "taken", b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]
