"""The active alerts on disk: the next start ends what an earlier daemon left active, and nothing private is kept."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.app.run import end_by_restart
from driver_monitor.messages.envelope import LiveStamper
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.messages.wire import Message
from driver_monitor.outputs import active_alerts
from driver_monitor.outputs.active_alerts import FILE, HEARD_S, ActiveAlerts, left_active
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.output import Output

PATIENCE_S = 30.0
"""Longest wait for a slow disk; only a failure takes so long."""


def alert(episode: str, phase: str = "raised", seq: int | None = 1, **more: Any) -> dict[str, Any]:
    evidence = {"measured": {"eyes.closed_s": 1.2}, "threshold": {"eyes.closed_s": 1.0}, "clause": "ours"}
    fields = {"rule": "microsleep", "level": "warning", "message": "Eyes closed for 1.2 s", "evidence": evidence}
    return {"schema": 1, "id": f"{episode} {phase}", "seq": seq, "episode": episode, "phase": phase, **fields, **more}


@contextmanager
def keeping(folder: Path) -> Iterator[ActiveAlerts]:
    kept = ActiveAlerts(folder)
    try:
        yield kept
        kept._worker.flush(PATIENCE_S)
    finally:
        kept.close()


def left(folder: Path) -> list[tuple[str, str]]:
    return [(one["episode"], one["phase"]) for one in left_active(folder)]


class Heard(Output):
    def __init__(self, local: bool) -> None:
        self.local, self.alerts = local, list[Message]()

    def alert(self, alert: Message) -> None:
        self.alerts.append(alert)


def stamper(numbers: Iterator[int]) -> LiveStamper:
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    return LiveStamper(lambda: next(numbers), lambda: (noon, True), "new trip", "new boot")


def test_ok__what_was_raised_and_not_cleared_is_left_active(tmp_path: Path) -> None:
    with keeping(tmp_path / "new" / "folder") as kept:
        for message in (alert("a"), alert("b"), alert("a", "escalated"), alert("c"), alert("c", "cleared")):
            kept.alert(message)
    assert left(tmp_path / "new" / "folder") == [("a", "escalated"), ("b", "raised")]
    assert (tmp_path / "new" / "folder" / FILE).stat().st_mode & 0o777 == 0o600


def test_ok__without_an_active_alert_the_file_is_empty(tmp_path: Path) -> None:
    with keeping(tmp_path) as kept:
        for number in range(30):
            kept.alert(alert(str(number)))
            kept.alert(alert(str(number), "cleared"))
    assert (tmp_path / FILE).read_bytes() == b""


def test_ok__a_long_file_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active_alerts, "MAX_BYTES", 10_000)
    with keeping(tmp_path) as kept:
        kept.alert(alert("for hours"))
        for number in range(60):
            kept.alert(alert(str(number)))
            kept.alert(alert(str(number), "cleared"))
    assert (tmp_path / FILE).stat().st_size < 10_000
    assert left(tmp_path) == [("for hours", "raised")]


def test_ok__an_alert_that_stays_on_this_machine_is_never_written(tmp_path: Path) -> None:
    with keeping(tmp_path) as kept:
        kept.alert(alert("secret", seq=None, rule="distress"))
        kept.alert(alert("secret", "cleared", seq=None, rule="distress"))
        kept.alert(alert("open"))
        assert kept._worker.flush(PATIENCE_S)
        assert b"secret" not in (tmp_path / FILE).read_bytes()
    assert left(tmp_path) == [("open", "raised")]


def test_ok__a_restart_ends_the_alert_in_its_episode_with_a_new_number(tmp_path: Path) -> None:
    with keeping(tmp_path) as kept:
        kept.alert(alert("a", "escalated", seq=7, trip="old trip", boot="old boot"))
    out = Heard(local=False)
    with _after(tmp_path) as (messages, kept):
        end_by_restart(messages, Outputs([out, kept]), PrivacyFilter(), stamper(iter([41])), ())
    (ended,) = out.alerts
    assert (ended["rule"], ended["episode"], ended["phase"], ended["seq"]) == ("microsleep", "a", "cleared", 41)
    assert ended["message"] == "Over: Eyes closed for 1.2 s (ended by a restart)"
    assert ended["id"] != "a escalated"
    assert (ended["trip"], ended["boot"]) == ("new trip", "new boot")
    assert left(tmp_path) == []


@contextmanager
def _after(folder: Path, heard: bool = True) -> Iterator[tuple[list[Message], ActiveAlerts]]:
    """The next start: what was left active, and the output that keeps it, until the ends are heard."""
    messages, now = left_active(folder), [100.0]
    kept = ActiveAlerts(folder, lambda: now[0])
    yield messages, kept
    assert kept._worker.flush(PATIENCE_S)
    if heard:
        now[0] += HEARD_S
        kept._worker.wake()
        end = time.monotonic() + PATIENCE_S
        while (folder / FILE).stat().st_size > 0:
            assert time.monotonic() < end
    kept.close()


def test_ok__a_daemon_that_ends_before_anybody_can_listen_leaves_the_end_to_the_next_start(tmp_path: Path) -> None:
    with keeping(tmp_path) as kept:
        kept.alert(alert("a"))
    for heard in (False, True):
        assert left(tmp_path) == [("a", "raised")]
        with _after(tmp_path, heard) as (messages, kept):
            end_by_restart(messages, Outputs([kept]), PrivacyFilter(), stamper(iter([41])), ())
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    "private",
    [
        {"rule": "distress"},
        {"rule": "mine", "evidence": {"measured": {"emotion.distress_s": 9.0}, "threshold": {}}},
        # The id of a present rule, which then rested on an expression, through a rule that is known, or that is gone.
        {"rule": "microsleep", "evidence": {"measured": {"rule.distress.held_s": 9.0}, "threshold": {}}},
        {"rule": "microsleep", "evidence": {"measured": {"rule.mood.held_s": 9.0}, "threshold": {}}},
    ],
)
def test_ok__an_alert_of_free_time_does_not_leave_the_machine_when_the_driver_is_at_work(
    tmp_path: Path, private: dict[str, Any]
) -> None:
    with keeping(tmp_path) as kept:
        kept.alert(alert("private", seq=3, **private))
        kept.alert(alert("shown", seq=4))
    out, journal = Heard(local=False), Heard(local=True)
    at_work = PrivacyFilter({"distress"})
    with _after(tmp_path) as (messages, kept):
        end_by_restart(
            messages, Outputs([out, journal, kept], at_work), at_work, stamper(iter([41, 42])), {"microsleep"}
        )
    assert [(one["episode"], one["seq"]) for one in out.alerts] == [("shown", 41)], "and the numbers have no gap"
    assert [(one["episode"], one["seq"]) for one in journal.alerts] == [("private", None), ("shown", 41)]
    assert left(tmp_path) == []


def test_ok__at_work_an_alert_of_a_rule_that_is_gone_stays_on_the_machine(tmp_path: Path) -> None:
    """It may rest on an expression through another rule: `rule.<id>.held_s`."""
    with keeping(tmp_path) as kept:
        kept.alert(alert("gone", rule="sad_driver", evidence={"measured": {"rule.mood.held_s": 9.0}, "threshold": {}}))
    out, at_work = Heard(local=False), PrivacyFilter({"distress"})
    with _after(tmp_path) as (messages, kept):
        end_by_restart(messages, Outputs([out, kept], at_work), at_work, stamper(iter([41])), {"microsleep"})
    assert out.alerts == []
    assert left(tmp_path) == []


def test_fail__a_disk_that_cannot_be_read_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    with keeping(tmp_path) as kept:
        kept.alert(alert("a"))
    monkeypatch.setattr("os.pread", fail)
    with keeping(tmp_path) as kept:
        kept.alert(alert("b"))


def test_ok__a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / FILE).touch(0o644)
    with keeping(tmp_path):
        assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_ok__a_reload_that_opens_the_outputs_again_loses_nothing(tmp_path: Path) -> None:
    with keeping(tmp_path) as kept:
        kept.alert(alert("a"))
    with keeping(tmp_path) as kept:
        kept.alert(alert("a"))  # repeated to new outputs
        kept.alert(alert("a", "cleared"))
    assert left(tmp_path) == []


def test_fail__a_second_daemon_in_the_folder_neither_ends_nor_loses_the_alerts_of_the_first(tmp_path: Path) -> None:
    with keeping(tmp_path) as first:
        first.alert(alert("a"))
        assert first._worker.flush(PATIENCE_S)
        assert left(tmp_path) == []
        with keeping(tmp_path) as second:
            second.alert(alert("b"))
    assert left(tmp_path) == [("a", "raised")]


@pytest.mark.parametrize("at", [1, 10, 100, 200])
def test_fail__a_torn_line_is_lost_and_the_others_are_not(
    tmp_path: Path, at: int, caplog: pytest.LogCaptureFixture
) -> None:
    with keeping(tmp_path) as kept:
        kept.alert(alert("a"))
        kept.alert(alert("b"))
    content = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(content[: len(content) - at])
    assert left(tmp_path) == ([("a", "raised"), ("b", "raised")] if at == 1 else [("a", "raised")])
    assert caplog.text.count("damaged lines are ignored: 1 of 2") == (at > 1)


@pytest.mark.parametrize(
    "content",
    [
        b"\0" * 5000,
        b"[]\n5\nnull\n{}\n" + b"[" * 100_000,
        json.dumps({**alert("a"), "evidence": None}).encode(),
        json.dumps({**alert("a"), "evidence": {"measured": [], "threshold": {}}}).encode(),
        json.dumps({**alert("a"), "rule": 5}).encode(),
        json.dumps({**alert("a"), "phase": "over"}).encode(),
        b"\xff\xfe\n\n",
        b"",
    ],
)
def test_fail__a_damaged_file_ends_nothing_and_is_used_again(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert left(tmp_path) == []
    with keeping(tmp_path) as kept:
        kept.alert(alert("b"))
        kept.alert(alert("b", "cleared"))
    assert (tmp_path / FILE).read_bytes() == b""


@pytest.mark.parametrize("kind", ["pipe", "folder", "no folder"])
def test_fail__a_file_that_cannot_be_used_ends_nothing_and_does_not_wait(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "state"
    if kind == "no folder":
        folder.touch()
    else:
        folder.mkdir()
        os.mkfifo(folder / FILE) if kind == "pipe" else (folder / FILE).mkdir()
    assert left(folder) == []
    with keeping(folder) as kept:
        kept.alert(alert("a"))
    assert kept.failure is None


def test_fail__a_full_disk_ends_nothing_and_the_file_is_whole_when_there_is_space_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.pwrite

    def full(file: int, data: bytes, at: int) -> int:
        write(file, bytes(data)[:7], at)
        raise OSError(errno.ENOSPC, "No space left on device")

    with keeping(tmp_path) as kept:
        kept.alert(alert("a"))
        assert kept._worker.flush(PATIENCE_S)
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", full)
            kept.alert(alert("b"))
            assert kept._worker.flush(PATIENCE_S)
        kept.alert(alert("c"))
    assert left(tmp_path) == [("a", "raised"), ("b", "raised"), ("c", "raised")]
