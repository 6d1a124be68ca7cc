"""The manual page driver-monitor(1), from the verbs of the command line. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tools.package.verbs import Option, Verb

HEAD = """\
.TH DRIVER\\-MONITOR 1 "{date}" "driver\\-monitor {version}" "User commands"
.SH NAME
driver\\-monitor \\- watch a driver with a camera and warn of drowsiness and distraction
.SH SYNOPSIS
.B driver\\-monitor
.I COMMAND
.RI [ OPTIONS ]
.SH DESCRIPTION
A daemon for a car. A camera watches the driver by day and in infrared. Closed eyes, drowsiness and distraction raise
alerts on a buzzer, an LED and ZeroMQ. It is advisory: the driver stays responsible. No picture leaves the process.
.PP
The package runs it as the service
.BR driver\\-monitor .
"""
TAIL = """\
.SH FILES
.TP
.I /etc/driver\\-monitor/config.yaml
The configuration of the service; each setting has a comment. After a change: systemctl reload driver\\-monitor.
.TP
.I /var/lib/driver\\-monitor
The number of the last alert, and the last configuration that worked.
.TP
.I /run/driver\\-monitor/alerts.sock
Alerts, state and status on ZeroMQ, for root and the group driver\\-monitor.
.TP
.I /usr/share/doc/driver\\-monitor
The installer's guide (install.md), all other documents, and drop\\-ins for the unit.
.SH EXIT STATUS
0 success, 1 an error at run time, 2 wrong use or a wrong configuration.
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1)
"""


def man_page(verbs: Iterable[Verb], version: str, date: str) -> str:
    """Return the page in troff. `date`: such as 2026-11-29, of the version."""
    lines = [HEAD.format(version=escaped(version), date=date), ".SH COMMANDS"]
    for verb in verbs:
        arguments = "".join(f" {escaped(each)}" for each in verb.arguments)
        lines += [".TP", f".B {escaped(' '.join(verb.words))}{arguments}", escaped(verb.meaning), ".RS"]
        lines += [line for option in verb.options for line in _option(option)]
        lines.append(".RE")
    return "\n".join(lines) + "\n" + TAIL


def _option(option: Option) -> list[str]:
    """Return the lines of one option."""
    value = "" if option.value is None else f" {escaped(option.value)}"
    return [".TP", f".B {escaped(', '.join(option.names))}{value}", escaped(option.meaning) or "\\&"]


def escaped(text: str) -> str:
    """Return text in which troff reads nothing as its own: backslash, hyphen, and a dot or quote that begins a line."""
    safe = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{safe}" if safe.startswith((".", "'")) else safe
