"""The lines that people read, in the journal and on a terminal."""

from __future__ import annotations

import fcntl
import io
import logging
import os
import pty
import re
import select
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from driver_monitor.messages import lines
from driver_monitor.outputs import journal
from driver_monitor.outputs.journal import Journal, PriorityFormatter
from driver_monitor.threads import worker

PATIENCE_S = 20.0
"""Only a failing test waits so long."""
MARKUP = "[bold]closed[/bold] for a time that is longer than a terminal of eighty columns is wide, with words of markup"
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
            journal.flush()
    finally:
        logging.root.handlers[:] = before
        logging.root.setLevel(level)
    assert (tmp_path / "log").read_text() == "<4>1:02:03.4 WARNING  microsleep raised: Eyes closed\n"


def test_ok__a_terminal_gets_colours_and_no_markup() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=40)
    output = Journal(journal.in_colour(console))
    output.alert(alert(message=MARKUP))
    output.close()
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[bold]closed[/bold] for" in text
    assert "\x1b[1;33m" in text
    assert text.count("\n") == 1


def test_ok__a_pipe_gets_the_same_lines_without_colours() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream, os.fdopen(reader) as far_end:
        output = Journal(journal.in_plain(stream))
        output.alert(alert(message=MARKUP))
        output.close()
        assert far_end.readline() == f"{lines.alert_line(alert(message=MARKUP))}\n"


def test_ok__degraded_is_written_when_it_changes_and_not_every_second(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    output = Journal()
    for degraded in (None, "covered", "covered", "dark", None, None):
        output.status({"schema": 1, "degraded": degraded})
    written = [(record.levelname, record.message) for record in caplog.records]
    assert written == [
        ("WARNING", "degraded: covered (uncover the lens)"),
        ("WARNING", "degraded: dark"),
        ("INFO", "no longer degraded"),
    ]


def test_fail__a_terminal_that_went_away_does_not_stop_the_alerts(caplog: pytest.LogCaptureFixture) -> None:
    file = io.StringIO()
    output = Journal(journal.in_plain(file))
    file.close()
    output.alert(alert())
    output.alert(alert(message="still here"))
    output.close()
    assert "still here" in caplog.text
    assert output.failure is None


@given(st.dictionaries(st.sampled_from(["t", "rule", "level", "phase", "message"]), JSON))
def test_ok__whatever_a_message_holds_it_becomes_one_printable_line(message: dict[str, Any]) -> None:
    assert lines.alert_line(message).isprintable()
    assert lines.alert_text(message).plain == lines.alert_line(message)


@given(st.floats(0, 1e6))
def test_ok__the_clock_shows_the_time_to_a_tenth(seconds: float) -> None:
    hours, minutes, rest = lines.clock(seconds).split(":")
    assert int(hours) * 3600 + int(minutes) * 60 + float(rest) == pytest.approx(seconds, abs=0.0501)
    assert float(rest) < 60


@contextmanager
def log_restored() -> Iterator[None]:
    before, level = logging.root.handlers[:], logging.root.level
    logging.root.handlers[:] = []
    try:
        yield
    finally:
        for handler in logging.root.handlers:
            handler.close()
        logging.root.handlers[:] = before
        logging.root.setLevel(level)


@contextmanager
def stopped_terminal() -> Iterator[tuple[TextIO, Callable[[], str]]]:
    """A terminal stopped with Ctrl-S, and a function that presses Ctrl-Q and reads everything."""
    ours, theirs = pty.openpty()
    termios.tcflow(theirs, termios.TCOOFF)

    def resume() -> str:
        termios.tcflow(theirs, termios.TCOON)
        text = ""
        while select.select([ours], [], [], PATIENCE_S)[0]:
            text += os.read(ours, 65536).decode()
            if "the end" in text:
                break
        return text

    with os.fdopen(theirs, "w") as stream:
        yield stream, resume
    os.close(ours)


def in_time(steps: Callable[[], None]) -> bool:
    """Return whether `steps` end although the stream is not read."""
    thread = threading.Thread(target=steps, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    return not thread.is_alive()


@pytest.mark.parametrize("on_console", [True, False])
def test_ok__a_terminal_stopped_with_ctrl_s_stops_nothing_else_and_gets_all_lines_in_order_later(
    on_console: bool,
) -> None:
    with log_restored(), stopped_terminal() as (stream, resume):
        journal.configure("info", stream)
        output = Journal(
            journal.in_colour(Console(file=stream, force_terminal=True, width=200)) if on_console else None
        )

        def drive() -> None:
            for number in range(50):
                output.alert(alert(message=f"number {number}."))
            output.alert(alert(message="the end"))
            output.close()

        assert in_time(drive)
        text = resume()
        assert [int(number) for number in re.findall(r"number (\d+)\.", text)] == list(range(50))
        assert output.counters() == {"journal_dropped": 0}


def test_ok__into_a_full_pipe_the_oldest_lines_are_dropped_and_counted_and_closing_ends() -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with log_restored(), os.fdopen(writer, "w") as stream, os.fdopen(reader) as far_end:
        journal.configure("info", stream)
        lines = 3 * worker.QUEUE

        def drive() -> None:
            for number in range(lines):
                logging.getLogger("x").info("number %d.", number)
            Journal().close()

        assert in_time(drive)
        dropped = Journal().counters()["journal_dropped"]
        assert dropped > 0
        seen: list[int] = []
        while len(seen) < lines - dropped:
            seen.append(int(far_end.readline().rsplit(" ", 1)[1].rstrip(".\n")))
        assert seen == sorted(seen)
        assert seen[-1] == lines - 1, "the newest line is worth more than the oldest"


def test_ok__nothing_is_lost_at_the_interpreters_end_nor_before_another_line_on_stderr() -> None:
    program = (
        "import logging, sys; from driver_monitor.outputs import journal; journal.configure('info')\n"
        "for n in range(500): logging.info('number %d.', n)\n"
        "journal.flush(); print('an error', file=sys.stderr); logging.info('the end')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    lines = done.stderr.splitlines()
    assert [int(line.rsplit(" ", 1)[1].rstrip(".")) for line in lines[:500]] == list(range(500))
    assert lines[500] == "an error"
    assert lines[501].endswith("the end")


def test_ok__a_reader_that_stops_reading_does_not_delay_the_interpreters_end() -> None:
    program = (
        "import logging; from driver_monitor.outputs import journal; journal.configure('info')\n"
        "for n in range(9999): logging.info('number %d.', n)"
    )
    reader, writer = os.pipe()
    try:
        done = subprocess.run([sys.executable, "-c", program], stderr=writer, timeout=60, check=False)
    finally:
        os.close(reader)
        os.close(writer)
    assert done.returncode == 0, "it neither hangs nor aborts"


def test_ok__the_level_may_be_changed_while_the_daemon_runs(tmp_path: Path) -> None:
    with log_restored(), (tmp_path / "log").open("w") as stream:
        for level in ("warning", "debug", "info"):
            journal.configure(level, stream)
            for written in (logging.DEBUG, logging.INFO, logging.WARNING):
                logging.getLogger("x").log(written, "%s at %s", logging.getLevelName(written), level)
        assert len(logging.root.handlers) == 1
        journal.flush()
        text = (tmp_path / "log").read_text()
    assert [line.split(" ", 3)[3] for line in text.splitlines()] == [
        "WARNING at warning",
        *(f"{written} at debug" for written in ("DEBUG", "INFO", "WARNING")),
        *(f"{written} at info" for written in ("INFO", "WARNING")),
    ]
