"""What several verbs have: options, arguments, and the way in which they print tables and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

TABLE_COLUMNS = 120
"""Width of tables that are written to a file or a pipe."""


def number(kind: type[int] | type[float], low: float, high: float, meaning: str, *names: str) -> Any:
    """Return an option for a number from `low` to `high`. The errors of typer's own name Python types.

    `names`: of the option, such as "--from"; without them it is that of the argument.
    """
    wanted = f"expected a {'whole ' if kind is int else ''}number from {low:g} to {high:g}"

    def parse(text: str) -> float:
        with suppress(ValueError):
            if low <= (value := kind(text)) <= high:
                return value
        raise typer.BadParameter(f"{wanted}, found '{text}'")

    return typer.Option(*names, parser=parse, metavar=f"<{low:g} to {high:g}>", help=meaning)


def word(words: Sequence[str], metavar: str, meaning: str, *names: str) -> Any:
    """Return an option for one of `words`. `names`: of the option, such as `--format`; none: that of the argument."""

    def parse(text: str) -> str:
        if text not in words:
            raise typer.BadParameter(f"expected one of {', '.join(words)}, found '{text}'")
        return text

    return typer.Option(*names, parser=parse, metavar=metavar, help=meaning)


def recording(text: str) -> Path:
    """Return the recording that `text` names. A `Path` of `./demo` would be that of `demo`."""
    from driver_monitor.capture.open_source import named_recording

    return named_recording(text)


def labels_path(text: str) -> Path:
    """Return the labels that `text` names: `demo` is the folder with those of the bundled clip. Others: `./demo`."""
    from driver_monitor import demo

    return demo.TRUTH.parent if text == "demo" else Path(text)


# typer evaluates annotations, and on Python 3.10 it needs Optional.
OptionalPath = Optional[Path]  # noqa: UP045
OptionalPaths = Optional[list[Path]]  # noqa: UP045
OptionalTexts = Optional[list[str]]  # noqa: UP045
OptionalText = Optional[str]  # noqa: UP045
OptionalInteger = Optional[int]  # noqa: UP045
OptionalNumber = Optional[float]  # noqa: UP045
CONFIG_HELP = "Configuration file (default: the one that is part of the program)."
ConfigOption = Annotated[OptionalPath, typer.Option("--config", "-c", help=CONFIG_HELP)]
InstalledConfigOption = Annotated[
    OptionalPath,
    typer.Option(
        "--config",
        "-c",
        help="Configuration file (default: /etc/driver-monitor/config.yaml if it is there, else the program's own).",
    ),
]
ConfigArgument = Annotated[OptionalPath, typer.Argument(help=CONFIG_HELP)]
ProfileOption = Annotated[OptionalText, typer.Option(help="Rule profile, name or file; replaces the configured one.")]
JobsOption = Annotated[int, number(int, 1, 256, "Number of clips to process in parallel.")]
EveryOption = Annotated[int, number(int, 1, 1000, "Use every Nth frame only.")]
TrackOption = Annotated[OptionalInteger, number(int, 1, 64, "Video track to watch, counted from 1.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def print_json(value: object) -> None:
    """Print `value` as one line of JSON."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False), flush=True)
