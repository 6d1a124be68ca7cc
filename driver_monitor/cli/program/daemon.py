"""Starts the daemon, and reads the options of `run` where they are written as a service or a script writes them."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PLAIN = {"--config": Path, "--source": str, "--profile": str, "--trace": Path}
"""Options of `run` with the type of their values, by the long name. The others are left to typer."""


def plain_options(arguments: Sequence[str]) -> dict[str, Any] | None:
    """Return what follows `run` as the arguments of `start`; None: typer must read it, because it may be wrong.

    Only `--option value` is read here, each option once. typer and the command line that it builds take 0.06 of the
    processor time of the start, and 3.5 MB.
    """
    found: dict[str, Any] = {}
    if len(arguments) % 2:
        return None
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        field = name.removeprefix("--")
        if name not in PLAIN or field in found or value.startswith("-"):
            return None
        found[field] = PLAIN[name](value)
    return found


def start(
    config: Path | None = None,
    source: str | None = None,
    profile: str | None = None,
    track: int | None = None,
    trace: Path | None = None,
) -> None:
    """Run the daemon until its source ends or a signal comes. See `run` for the options; None: not given."""
    gc.disable()  # imports make no garbage; looking for it takes a thirtieth of the start
    from driver_monitor.app.build import Request
    from driver_monitor.app.run import run as run_daemon

    gc.freeze()  # nor do they later: without it, each full search goes through 250,000 objects that stay
    gc.enable()
    run_daemon(Request(config, source, profile, track), trace)
