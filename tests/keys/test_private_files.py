"""Files that nobody else may read: at no moment, whole or not at all, and nothing else is taken for one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver_monitor.errors import KeysError
from driver_monitor.keys.private_files import check_folder, make_folder, read, write_new

ME = (os.geteuid(), os.getegid())


@pytest.fixture
def no_umask() -> Iterator[None]:
    """What a program sees that was started with the most careless umask."""
    old = os.umask(0)
    yield
    os.umask(old)


@pytest.mark.usefixtures("no_umask")
def test_ok__a_file_is_private_before_its_first_byte_and_durable_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    write, fsync, link = os.write, os.fsync, os.link

    def noted_write(file: int, data: bytes) -> int:
        calls.append(f"write {os.fstat(file).st_mode & 0o777:o}")
        return write(file, data)

    def noted_fsync(file: int) -> None:
        calls.append("fsync " + Path(f"/proc/self/fd/{file}").readlink().name[:6])
        fsync(file)

    def noted_link(draft: Path, path: Path) -> None:
        calls.append("link")
        link(draft, path)

    monkeypatch.setattr(os, "write", noted_write)
    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "link", noted_link)
    folder = tmp_path / "keys"
    make_folder(folder, ME)
    write_new(folder / "a.key", b"secret", ME)
    assert calls == [f"fsync {tmp_path.name[:6]}", "write 600", "fsync .a.key", "link", "fsync keys"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "a.key").stat().st_mode & 0o777 == 0o600
    assert read(folder / "a.key", {ME[0]})[0] == b"secret"
    assert [path.name for path in folder.iterdir()] == ["a.key"]


def test_fail__a_file_that_is_there_stays_as_it_was(tmp_path: Path) -> None:
    write_new(tmp_path / "a.key", b"first", ME)
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a.key", b"second", ME)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.key", b"first")]


def test_fail__a_disk_that_is_full_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        write_new(tmp_path / "a.key", b"first", ME)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (0o640, "other users may read it; run `chmod 600 "),
        (0o604, "other users may read it"),
        (0o620, "other users may change it"),
        (0o602, "other users may change it"),
        (0o601, "other users may read it"),
    ],
)
def test_fail__a_file_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int, reason: str) -> None:
    path = tmp_path / "a.key"
    write_new(path, b"x", ME)
    path.chmod(mode)
    with pytest.raises(KeysError, match=reason):
        read(path, {ME[0]})


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o770, 0o701, 0o1777])
def test_fail__a_folder_that_others_may_enter_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "keys"
    make_folder(folder, ME)
    folder.chmod(mode)
    with pytest.raises(KeysError, match=f"other users may .* it; run `chmod 700 {folder}`"):
        check_folder(folder, {ME[0]})


def test_fail__what_belongs_to_somebody_else_is_refused(tmp_path: Path) -> None:
    write_new(tmp_path / "a.key", b"x", ME)
    others = {ME[0] + 1}
    with pytest.raises(KeysError, match=f"belongs to user {ME[0]}; it must belong to root or the user of"):
        read(tmp_path / "a.key", others)
    with pytest.raises(KeysError, match="belongs to user"):
        check_folder(tmp_path, others)


def test_fail__a_link_a_pipe_a_folder_and_a_long_file_are_no_key_files(tmp_path: Path) -> None:
    write_new(tmp_path / "a.key", b"x" * 5000, ME)
    (tmp_path / "link.key").symlink_to(tmp_path / "a.key")
    os.mkfifo(tmp_path / "pipe.key", 0o600)
    (tmp_path / "folder.key").mkdir(mode=0o700)
    for name, reason in {
        "a": "not a key file",
        "link": "replace it by a file",
        "pipe": "not a",
        "folder": "not a",
    }.items():
        with pytest.raises(KeysError, match=reason):
            read(tmp_path / f"{name}.key", {ME[0]})
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "missing.key", {ME[0]})


def test_fail__a_file_is_no_folder(tmp_path: Path) -> None:
    write_new(tmp_path / "keys", b"", ME)
    with pytest.raises(KeysError, match="not a folder"):
        check_folder(tmp_path / "keys", {ME[0]})
    with pytest.raises(KeysError, match="there is no such folder; make it with `driver-monitor keys new NAME`"):
        check_folder(tmp_path / "nothing", {ME[0]})


def test_fail__what_this_user_may_not_read_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(
        KeysError, match="Permission denied; use sudo; if the daemon says so, `sudo chown -R driver-mon"
    ):
        read(tmp_path / "a.key", {ME[0]})
