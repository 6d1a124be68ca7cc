"""The verb `label`: checks that the packages of its extra are there, and shows the page."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from driver_monitor import PROGRAM
from driver_monitor.cli.options import (
    ConfigOption,
    OptionalPath,
    OptionalText,
    ProfileOption,
    TrackOption,
    recording,
)
from driver_monitor.errors import UsageError

PACKAGES = ("starlette", "uvicorn", "websockets")
"""The packages of the extra `label` (pyproject.toml)."""


def label(
    clips: Annotated[list[Path], typer.Argument(parser=recording, help="Clips, folders with clips, or demo.")],
    labels: Annotated[Path, typer.Option(help="Folder for the label files, one .json file for each clip.")] = Path(
        "labels"
    ),
    run: Annotated[
        OptionalPath, typer.Option(help="Folder of a finished replay of the clip; then it is not replayed again.")
    ] = None,
    person: Annotated[
        OptionalText, typer.Option(help="Who drives, for new label files (default: the page asks).")
    ] = None,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    track: TrackOption = None,
) -> None:
    """Label clips frame by frame on a page of this machine; scores what is labelled at once. ? shows the keys."""
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        install = f"{shlex.quote(sys.executable)} -m pip install {' '.join(PACKAGES)}"
        raise UsageError(f"{PROGRAM} label needs {', '.join(missing)}; install with: {install}")
    from driver_monitor.app.build import Request, load_plan
    from driver_monitor.bench.label.desk import DeskSetting
    from driver_monitor.bench.label.run import clips_of
    from driver_monitor.bench.label.run import label as show

    found = clips_of(clips)
    if run is not None and len(found) > 1:
        raise UsageError(f"{PROGRAM} label: --run is the replay of one clip; give one clip, or leave out --run")
    plan = load_plan(Request(config, None, profile, track))
    try:
        show(DeskSetting(found, labels, plan, run, person=person or ""))
    except KeyboardInterrupt:
        print("Stopped: all labels are saved.")
