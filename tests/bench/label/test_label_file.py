"""The label file: whole at every moment, never over what somebody else has written."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.bench.label.label_file import LabelFile
from driver_monitor.errors import LabelError, OutputError
from tests.bench.label.stage import empty

VALUES = empty().to_json()


def test_ok__a_new_file_comes_with_its_folder_and_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "labels" / "day" / "trip.json"
    file = LabelFile(path)
    assert file.load() is None
    file.save(VALUES)
    file.save({**VALUES, "person": "Zoë"})
    assert LabelFile(path).load() == {**VALUES, "person": "Zoë"}
    assert list(path.parent.iterdir()) == [path]


def test_ok__a_name_may_be_as_long_as_a_file_system_allows(tmp_path: Path) -> None:
    path = tmp_path / f"{'й' * 125}.json"
    LabelFile(path).save(VALUES)
    assert list(tmp_path.iterdir()) == [path]


def test_ok__a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text(json.dumps(VALUES))
    (tmp_path / "trip.json").symlink_to("real.json")
    file = LabelFile(tmp_path / "trip.json")
    file.load()
    file.save({**VALUES, "person": "p2"})
    assert (tmp_path / "trip.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["person"] == "p2"


@pytest.mark.parametrize("known", [True, False])
def test_fail__what_another_program_has_written_is_not_overwritten(tmp_path: Path, known: bool) -> None:
    path = tmp_path / "trip.json"
    file = LabelFile(path)
    if known:
        file.save(VALUES)
    other = LabelFile(path)
    other.load()
    other.save({**VALUES, "person": "other"})
    with pytest.raises(LabelError, match=r"trip\.json: another program has changed this file.*Read the file again"):
        file.save(VALUES)
    assert file.load() == {**VALUES, "person": "other"}
    file.save(VALUES)


@pytest.mark.parametrize("at", ["write", "fsync", "replace"])
def test_fail__a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    path = tmp_path / "trip.json"
    file = LabelFile(path)
    file.save(VALUES)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if at == "fsync":
            patch.setattr("os.fsync", full)
        else:
            patch.setattr(Path, {"write": "open", "replace": "replace"}[at], full)
        with pytest.raises(OutputError, match=r"trip\.json: cannot write: No space left on device; make room"):
            file.save({**VALUES, "person": "p2"})
    assert list(tmp_path.iterdir()) == [path]
    assert LabelFile(path).load() == VALUES
    file.save({**VALUES, "person": "p2"})


def test_ok__what_a_killed_program_left_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "trip.json"
    (tmp_path / ".trip.json.part").write_text('{"clip": "tr')
    LabelFile(path).save(VALUES)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"person": 1}', '{"person": "p", "fps": 1, "frames": 1}', "\xff"])
def test_fail__a_file_that_holds_no_labels_is_told_and_left(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trip.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(LabelError, match=r"trip\.json"):
        LabelFile(path).load()
    with pytest.raises(LabelError, match="another program"):
        LabelFile(path).save(VALUES)
    assert path.read_bytes() == text.encode("latin-1")
