"""The table of the verb `sent`, and where the spool is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from driver_monitor.app.build import state_dir
from driver_monitor.config.lock import is_file
from driver_monitor.config.schema import Config
from driver_monitor.doctor.gather.computer import SERVICE_FOLDER
from driver_monitor.messages.lines import plain
from driver_monitor.spool.history import SentAlert

WAITS = "waits"
NO_TIME = "stored, time unknown"
"""For alerts that were stored while the car's clock was not set."""


def spool_folder(config: Config, path: Path | None) -> Path:
    """Return the folder of the spool. `path`: of the file of `config`, None without one."""
    if config.service.state_dir is None and is_file(path):
        return Path(SERVICE_FOLDER)
    return state_dir(config.service)


def show(alerts: Iterable[SentAlert], config: Config, file: Path, console: Console) -> None:
    """Print `alerts` as a table, and below it how many there are and since when. `file`: where they are kept."""
    table = Table("alert (UTC)", "level", "alert", "message", "stored by the operator (UTC)")
    waiting, stored = 0, 0
    since: float | None = None
    for alert in alerts:
        message = _message(alert.body)
        words = [plain(message.get(key, "?")) for key in ("rule", "phase")]
        table.add_row(
            _time(message.get("t_wall")),
            plain(message.get("level", "?")),
            " ".join(words),
            plain(message.get("message", "?")),
            WAITS if alert.waits else NO_TIME if alert.stored_s is None else _clock(alert.stored_s),
        )
        waiting, stored = waiting + alert.waits, stored + (not alert.waits)
        if alert.stored_s is not None:
            since = alert.stored_s if since is None else min(since, alert.stored_s)
    if waiting or stored:
        console.print(table)
    elif not config.uplink.enabled:
        return
    history = "" if since is None else f", since {_clock(since)} UTC"
    print(f"stored by the operator: {stored}{history}; waiting: {waiting}")
    earlier = "" if config.uplink.enabled else "they are of an earlier uplink; "
    kept = f"each is forgotten {config.uplink.sent_days:g} days after it was stored (uplink.sent_days)"
    print(f"{earlier}{kept}; file: {file}")


def _message(body: bytes) -> Mapping[str, Any]:
    with suppress(ValueError, RecursionError):
        message = json.loads(body)
        if isinstance(message, dict):
            return message
    return {}


def _time(t_wall: object) -> str:
    return plain(t_wall).replace("T", " ").removesuffix("Z").partition(".")[0] if isinstance(t_wall, str) else "?"


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S}"
