"""The verb `run`, and the options that stand before every verb."""

from __future__ import annotations

from typing import Annotated

import typer

from driver_monitor import PROGRAM, __version__
from driver_monitor.cli.options import ConfigOption, OptionalPath, OptionalText, ProfileOption, TrackOption
from driver_monitor.cli.program.daemon import start


def new_app() -> typer.Typer:
    """Return the command line with the verb `run` alone."""
    app = typer.Typer(name=PROGRAM, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(top)
    app.command()(run)
    return app


def _version(requested: bool) -> None:
    if requested:
        print(f"driver-monitor {__version__}")
        raise typer.Exit


def top(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Watch a driver with a camera and warn of drowsiness and distraction. It only warns: the driver drives."""


def run(
    config: ConfigOption = None,
    source: Annotated[
        OptionalText, typer.Option(help="Camera number or device, clip, folder of images, URL or demo.")
    ] = None,
    profile: ProfileOption = None,
    track: TrackOption = None,
    trace: Annotated[OptionalPath, typer.Option(help="Write a trace to this new file, *.trace.jsonl.gz.")] = None,
) -> None:
    """Run the daemon: watch the camera, warn the driver and publish messages."""
    start(config, source, profile, track, trace)
