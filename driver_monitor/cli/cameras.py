"""The verb `cameras`: lists the cameras of this machine and says which one the daemon would take."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from driver_monitor.cli.options import InstalledConfigOption

if TYPE_CHECKING:
    from driver_monitor.capture.listing.found_camera import FoundCamera
    from driver_monitor.capture.listing.list_cameras import CameraList

WIDTH = 80
"""Columns of the text: a terminal of a Raspberry Pi without a desktop."""
SCHEMA = 1
NONE_FOUND = "no camera is found"


def cameras(
    config: InstalledConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """List the cameras of this machine, and which one the daemon would take. Exit 1: none that it could take."""
    from driver_monitor.app.build import Request, load_plan
    from driver_monitor.capture.listing.list_cameras import list_cameras
    from driver_monitor.config.lock import installed_config

    found = list_cameras(load_plan(Request(config or installed_config())).config.camera)
    print(json.dumps(to_json(found), ensure_ascii=False) if as_json else "\n".join(lines(found)))
    if not found.usable:
        raise typer.Exit(1)


def to_json(found: CameraList) -> dict[str, Any]:
    """Return the list as a JSON object (docs/use.md)."""
    return {
        "schema": SCHEMA,
        "usable": found.usable,
        "found": found.words,
        "remedy": found.advice,
        "cameras": [asdict(camera) | {"taken": _is_taken(camera, found)} for camera in found.cameras],
    }


def lines(found: CameraList) -> Iterator[str]:
    """Yield the list as lines of at most `WIDTH` columns, without colours."""
    for camera in found.cameras:
        taken = "  <- the daemon takes this one" if found.usable and _is_taken(camera, found) else ""
        source = camera.source if camera.csi is None or not camera.number else f"{camera.source}:{camera.number}"
        yield f"{source}  {camera.name}{taken}"
        for text in (camera.bus, *camera.format_words(), camera.fault or ""):
            yield from _indented(text)
    if not found.cameras:
        yield NONE_FOUND
    yield from textwrap.wrap(found.words, WIDTH, break_on_hyphens=False)
    if found.advice is not None:
        yield from textwrap.wrap(f"what to do: {found.advice}", WIDTH, break_on_hyphens=False)


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 6, break_on_hyphens=False)


def _is_taken(camera: FoundCamera, found: CameraList) -> bool:
    return found.taken is not None and (camera.number, camera.csi) == (found.taken.number, found.taken.csi)
