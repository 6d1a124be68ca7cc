"""What people read: the journal's lines and the terminal's."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from driver_monitor.outputs import journal, lines
from driver_monitor.outputs.journal import Journal, PriorityFormatter

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


def alert(**more: Any) -> dict[str, Any]:
    raised = {"t": 3723.44, "rule": "microsleep", "level": "warning", "phase": "raised", "message": "Eyes closed"}
    return {"schema": 1, **raised, **more}


def test_ok__an_alert_is_one_line_with_time_level_rule_phase_and_message(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    output = Journal()
    output.alert(alert())
    output.alert(alert(level="critical", phase="escalated", message="two\nlines\x1b[31m"))
    output.alert(alert(level="critical", phase="cleared"))
    output.close()
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "1:02:03.4 WARNING  microsleep raised: Eyes closed"),
        ("CRITICAL", "1:02:03.4 CRITICAL microsleep escalated: two lines [31m"),
        ("INFO", "1:02:03.4 CRITICAL microsleep cleared: Eyes closed"),
    ]


def test_ok__the_journal_gets_the_priority_before_each_line() -> None:
    def line(level: int) -> str:
        return PriorityFormatter().format(logging.LogRecord("x", level, "f", 1, "a\nb", None, None))

    assert line(logging.CRITICAL) == "<2>a\n<2>b"
    assert [line(level)[:3] for level in (40, 30, 20, 10)] == ["<3>", "<4>", "<6>", "<7>"]


def test_ok__only_the_stream_that_systemd_names_is_the_journal(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        status = os.fstat(stream.fileno())
        assert journal.is_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        assert not journal.is_journal(stream, {"JOURNAL_STREAM": "1:2"})
        assert not journal.is_journal(stream, {})
    assert not journal.is_journal(io.StringIO(), {"JOURNAL_STREAM": "1:2"})


def test_ok__under_systemd_the_daemons_log_carries_priorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, level = logging.root.handlers[:], logging.root.level
    try:
        with (tmp_path / "log").open("w") as stream:
            status = os.fstat(stream.fileno())
            monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
            journal.configure("info", stream)
            Journal().alert(alert())
            logging.getLogger("driver_monitor").debug("not asked for")
    finally:
        logging.root.handlers[:] = before
        logging.root.setLevel(level)
    assert (tmp_path / "log").read_text() == "<4>1:02:03.4 WARNING  microsleep raised: Eyes closed\n"


def test_ok__a_terminal_gets_colours_and_no_markup() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=40)
    output = Journal(console)
    output.alert(alert(message="[bold]closed[/bold] for a time that is longer than the terminal is wide"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[bold]closed[/bold] for" in text
    assert "\x1b[1;33m" in text
    assert text.count("\n") == 1


def test_ok__becoming_blind_is_said_when_it_changes_and_not_every_second(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    output = Journal()
    for degraded in (None, "covered", "covered", "dark", None, None):
        output.status({"schema": 1, "degraded": degraded})
    said = [(record.levelname, record.message) for record in caplog.records]
    assert said == [
        ("WARNING", "degraded: covered"),
        ("WARNING", "degraded: dark"),
        ("INFO", "no longer degraded"),
    ]


def test_fail__a_terminal_that_went_away_does_not_stop_the_alerts(caplog: pytest.LogCaptureFixture) -> None:
    file = io.StringIO()
    output = Journal(Console(file=file))
    file.close()
    output.alert(alert())
    output.alert(alert(message="still here"))
    assert "still here" in caplog.text
    assert output.failure is None


@given(st.dictionaries(st.sampled_from(["t", "rule", "level", "phase", "message"]), JSON))
def test_ok__whatever_a_message_holds_it_becomes_one_printable_line(message: dict[str, Any]) -> None:
    assert lines.alert_line(message).isprintable()
    assert lines.alert_text(message).plain == lines.alert_line(message)


@given(st.floats(0, 1e6))
def test_ok__the_clock_says_the_time_to_a_tenth(seconds: float) -> None:
    hours, minutes, rest = lines.clock(seconds).split(":")
    assert int(hours) * 3600 + int(minutes) * 60 + float(rest) == pytest.approx(seconds, abs=0.0501)
    assert float(rest) < 60
