"""`driver-monitor sent`: a driver or a works council sees what was sent, and what waits."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from driver_monitor.cli.program.main import main
from driver_monitor.cli.sent.table import spool_folder
from driver_monitor.config import lock
from driver_monitor.config.schema import Config
from driver_monitor.messages import wire
from driver_monitor.spool import history
from driver_monitor.spool.entry import SpoolEntry
from driver_monitor.spool.file import FILE
from driver_monitor.spool.history import read_history
from driver_monitor.spool.spool import Spool
from tests.spool.cars import DAY_S, NOON_S, Clocks, alert, parked

Out = pytest.CaptureFixture[str]
CONFIG = """
service: {{state_dir: {}}}
uplink: {{brokers: [{}], sent_days: 14}}
"""


def message(seq: int, text: str = "Eyes closed for 1.0 s") -> SpoolEntry:
    body = {
        "schema": 1,
        "id": f"id-{seq}",
        "seq": seq,
        "t_wall": "2026-09-21T14:13:20.123Z",
        "rule": "microsleep",
        "level": "warning",
        "phase": "raised",
        "message": text,
    }
    return SpoolEntry(f"id-{seq}", seq, "microsleep", "warning", "2026-09-21T14:13:20.123Z", wire.encode(body))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "my.yaml"
    file.write_text(CONFIG.format(tmp_path / "state", "mqtt://127.0.0.1"))
    return file


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Spool]:
    """A daemon's spool with two alerts: the first is stored, the second waits."""
    with closing(parked(tmp_path / "state", Clocks())) as spool:
        spool.put(message(1))
        spool.put(message(2, "Eyes closed for 9.9 s"))
        spool.confirm(["id-1"])
        yield spool


def sent(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["driver-monitor", "sent", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_ok__while_the_daemon_runs_it_shows_what_was_stored_when_and_what_waits(
    running: Spool, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    assert sent(monkeypatch, "--config", str(config)) == 0
    out = capsys.readouterr().out
    stored, waiting = (line for line in out.splitlines() if "microsleep raised" in line)
    assert "2026-09-21 14:13:20" in stored
    assert "2026-09-21 14:13:20" in waiting
    assert "Eyes closed for 9.9 s" in waiting
    assert "waits" in waiting
    assert "waits" not in stored
    assert "stored by the operator: 1, since 2026-09-21 14:13:20 UTC; waiting: 1\n" in out
    assert "each is forgotten 14 days after it was stored (uplink.sent_days)" in out
    assert running.put(message(3)), "the daemon goes on"
    assert running.confirm(["id-2", "id-3"]) == 2


def test_ok__json_gives_the_messages_byte_for_byte(
    running: Spool, config: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    del running
    odd = SpoolEntry("id-3", 3, "microsleep", "info", "", b'{"message":"\xc3\xa9\xf0\x9f\x98\xb4 \\u0000"}')
    with closing(sqlite3.connect(config.parent / "state" / FILE)) as file:
        file.execute("INSERT INTO alert (id, seq, body, sent) VALUES ('id-3', 3, ?, 0)", (odd.body,))
        file.commit()
    assert sent(monkeypatch, "--json", "--config", str(config)) == 0
    assert capfdbinary.readouterr().out.splitlines() == [
        message(1).body,
        message(2, "Eyes closed for 9.9 s").body,
        odd.body,
    ]


def test_ok__it_is_read_from_another_process_while_alerts_come(running: Spool, config: Path) -> None:
    command = [sys.executable, "-m", "driver_monitor", "sent", "--json", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
        for seq in range(3, 40):
            assert running.put(message(seq))
        out, _ = reader.communicate()
    assert reader.returncode == 0
    assert [json.loads(line)["seq"] for line in out.splitlines()][:2] == [1, 2]
    assert running.fault is None


def test_ok__after_a_kill_it_shows_what_only_the_log_holds(running: Spool, config: Path, tmp_path: Path) -> None:
    del running, config
    assert (tmp_path / "state" / f"{FILE}-wal").stat().st_size > 0
    copy = tmp_path / "copy"
    copy.mkdir()
    for ending in ("", "-wal"):
        (copy / (FILE + ending)).write_bytes((tmp_path / "state" / (FILE + ending)).read_bytes())
    assert next((one.waits, one.body) for one in read_history(copy)) == (False, message(1).body)


def test_ok__a_card_that_can_only_be_read_is_shown_too(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs root: a file system of its own cannot be mounted")
    try:
        with closing(Spool(tmp_path / "a")) as spool:
            spool.put(message(1))
            for ending in ("", "-wal"):
                (disk / (FILE + ending)).write_bytes((tmp_path / "a" / (FILE + ending)).read_bytes())
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert [one.body for one in read_history(disk)] == [message(1).body]
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_ok__many_alerts_are_read_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PAGE_ROWS", 3)
    with closing(Spool(tmp_path)) as spool:
        for seq in range(1, 9):
            spool.put(alert(seq))
        shown = read_history(tmp_path)
        first = next(shown).body
        assert spool.put(alert(9))
        assert [first, *(one.body for one in shown)] == [alert(seq).body for seq in range(1, 10)]


def test_ok__an_answer_that_came_before_the_clock_was_set_has_no_time(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    clocks = Clocks(error_s=-NOON_S, known=False)
    with closing(parked(tmp_path / "state", clocks)) as spool:
        spool.put(message(1))
        spool.confirm(["id-1"])
    assert sent(monkeypatch, "-c", str(config)) == 0
    out = capsys.readouterr().out
    assert "stored, time" in out
    assert "stored by the operator: 1; waiting: 0\n" in out


def test_ok__without_an_uplink_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(CONFIG.format(tmp_path / "state", ""))
    assert sent(monkeypatch, "-c", str(file)) == 0
    assert capsys.readouterr().out == "no uplink: no operator gets alerts (uplink.brokers is empty)\n"
    assert sent(monkeypatch, "-c", str(file), "--json") == 0
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "state").exists()


def test_ok__what_an_earlier_uplink_left_is_shown_with_the_time_it_is_kept(
    running: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    running.close()
    file = tmp_path / "my.yaml"
    file.write_text(CONFIG.format(tmp_path / "state", ""))
    assert sent(monkeypatch, "-c", str(file)) == 0
    out = capsys.readouterr().out
    assert "no uplink" in out
    assert "they are of an earlier uplink; each is forgotten " in out.replace("\n", "")
    assert str(tmp_path / "state" / FILE) in out


def test_ok__an_uplink_that_has_sent_nothing_yet(config: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    assert sent(monkeypatch, "-c", str(config)) == 0
    assert "stored by the operator: 0; waiting: 0\n" in capsys.readouterr().out


def test_ok__messages_that_are_none_are_shown_and_break_nothing(
    running: Spool, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    for seq, body in enumerate((b"\xff", b"[]", b'{"message":"\\u001b[31mred\\n","t_wall":7}', b"[" * 5000), 3):
        running.put(SpoolEntry(f"id-{seq}", seq, "r", "info", "", body))
    assert sent(monkeypatch, "-c", str(config)) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "waiting: 5\n" in out


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ("PRAGMA user_version=9", "written by a newer version of this program (tables of version 9; this one knows 1)"),
        ("PRAGMA user_version=0", "it is not a spool of this program"),
        ("DROP TABLE alert", "no such table"),
    ],
)
def test_fail__a_file_that_cannot_be_used_is_one_line(
    running: Spool, config: Path, spoil: str, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    running.close()
    with closing(sqlite3.connect(config.parent / "state" / FILE)) as file:
        file.execute(spoil)
    assert sent(monkeypatch, "-c", str(config)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{config.parent / 'state' / FILE}: " in line
    assert reason in line


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_fail__somebody_else_is_told_who_may_read_it(running: Spool, tmp_path: Path) -> None:
    del running
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == "root" and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            list(read_history(tmp_path / "state"))
        except BaseException as error:
            os._exit(0 if "only its owner and root may read it; use sudo" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_ok__the_installed_configuration_has_the_folder_of_the_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lock, "FILE", tmp_path / "config.yaml")
    monkeypatch.setenv("XDG_STATE_HOME", "/home/me/state")
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert spool_folder(Config(), tmp_path / "config.yaml") == Path("/var/lib/driver-monitor")
    assert spool_folder(Config(), tmp_path / "other.yaml") == Path("/home/me/state/driver-monitor")
    assert spool_folder(Config(), None) == Path("/home/me/state/driver-monitor")


def test_ok__what_is_too_old_is_not_shown(tmp_path: Path) -> None:
    clocks = Clocks()
    with closing(parked(tmp_path, clocks)) as spool:
        spool.put(alert(1))
        spool.confirm([alert(1).id])
        clocks.true_s += 31 * DAY_S
        spool.waiting(1)
        assert list(read_history(tmp_path)) == []
