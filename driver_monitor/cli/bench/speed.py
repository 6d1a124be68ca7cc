"""The verb `bench`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from driver_monitor.cli.options import (
    ConfigOption,
    JsonOption,
    OptionalNumber,
    ProfileOption,
    number,
    print_json,
    recording,
)


def bench(
    clip: Annotated[Path, typer.Argument(parser=recording, help="A clip, a folder of images, or demo.")],
    config: ConfigOption = None,
    profile: ProfileOption = None,
    frames: Annotated[int, number(int, 15, 100_000, "Number of frames to measure, from the beginning.")] = 300,
    repeats: Annotated[int, number(int, 1, 100, "How often each frame is measured; the median counts.")] = 3,
    fps: Annotated[OptionalNumber, number(float, 0.1, 1000, "Frame rate to judge by (default: the clip's).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how fast this computer is, where the time goes, and how much memory is needed."""
    from driver_monitor.app.build import Request
    from driver_monitor.bench.speed.bench import bench as measure
    from driver_monitor.bench.speed.text import sentences
    from driver_monitor.messages.lines import one_line

    console = Console(stderr=True)
    with console.status("measuring, some ten seconds to some minutes") if console.is_terminal else nullcontext():
        result = measure(clip, Request(config, None, profile), frames, repeats, fps)
    if as_json:
        print_json(result)
    else:
        print("\n".join(map(one_line, sentences(result).split("\n"))))
