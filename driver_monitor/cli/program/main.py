"""Runs the command of `sys.argv`. An error becomes a line of text per fault, and an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from driver_monitor import PROGRAM
from driver_monitor.cli import ending
from driver_monitor.cli.program import daemon
from driver_monitor.errors import ConfigError, DriverMonitorError, UsageError
from driver_monitor.messages.lines import one_line, plain
from driver_monitor.outputs import journal

if TYPE_CHECKING:
    import typer


def main() -> None:
    """Run the command line; the console script `driver-monitor`."""
    from driver_monitor.imaging.library_messages import hide_library_messages

    with hide_library_messages():
        _main()


def _main() -> None:
    journal.configure_command()
    # A file name that the terminal cannot show must not end a replay of a thousand clips.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if not ending.is_daemon():
        # So that pins are switched off: `nohup` ignores SIGHUP, and else it comes when the terminal is closed.
        for ending_signal in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(ending_signal) is not signal.SIG_IGN:
                signal.signal(ending_signal, lambda received, _: sys.exit(128 + received))
    try:
        sys.exit(_run_command())
    except DriverMonitorError as error:
        journal.flush()  # the log comes before the error
        # The lines of a `ConfigError` are one for each fault, and escaped.
        print(error if isinstance(error, ConfigError) else one_line(str(error)), file=sys.stderr)
        _end(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:
        # The reader of the output has ended, as in `inspect ... | head`. A daemon must be started again.
        _end(1 if ending.is_daemon() else 0)
    except OSError as error:
        reason = error.strerror or error
        print(one_line(f"{error.filename or 'the output'}: {reason}; check disk and permissions"), file=sys.stderr)
        _end(1)


def _run_command() -> int:
    """Run the command of `sys.argv` and return its exit code. Raises `UsageError`: no such command, option or value."""
    if ending.is_daemon() and (options := daemon.plain_options(sys.argv[2:])) is not None:
        daemon.start(**options)
        return 0
    import typer

    try:
        code = _app()(prog_name=PROGRAM, standalone_mode=False)
    except typer.Abort:
        raise UsageError(f"{PROGRAM}: the input has ended; give all values as options") from None
    except Exception as error:
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        # typer's own errors have no public class. They show several lines, in a frame.
        context = getattr(error, "ctx", None)
        command = PROGRAM if context is None else context.command_path
        reason = plain(message()).rstrip(".") or "no command given"  # typer has printed the help
        raise UsageError(f"{command}: {reason}; see `{command} --help`") from None
    return int(code or 0)


def _app() -> typer.Typer:
    """Return what knows the verb of `sys.argv`. For the daemon that is `run` alone.

    typer builds all verbs that it knows before it looks for the one: a sixth of the daemon's start.
    """
    if ending.is_daemon():
        from driver_monitor.cli.program.run import new_app

        return new_app()
    from driver_monitor.cli.commands import app

    return app


def _end(code: int) -> NoReturn:
    try:
        sys.stdout.flush()
    except OSError:
        # At its end Python would write what is still buffered, and fail again with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
