"""The names by which labels call a clip, and the one rule which of them fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from driver_monitor.bench.batch.find_clips import SUFFIXES
from driver_monitor.bench.runs.read_run import Run
from driver_monitor.messages import trace

Named = TypeVar("Named")


def bare(name: str) -> str:
    """Return the name of a clip without the suffix of a clip (`SUFFIXES`). Any other suffix belongs to the name."""
    return Path(name).stem if _closed(name) else name


def name_in_labels(clip: str, folder: str) -> str:
    """Return the name by which labels call a clip: its own; of a trace, as all have one name, that of its `folder`."""
    return folder if trace.is_trace(Path(clip)) else clip


def name_of_run(run: Run) -> str:
    """Return the name by which labels call the clip of a run."""
    return name_in_labels(str(run.info.get("clip", "")), Path(run.name).name)


def _closed(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


class NameIndex(Generic[Named]):
    """Finds things by the name of a clip. A name without the suffix of a clip fits any suffix."""

    def __init__(self, things: Iterable[Named], name_of: Callable[[Named], str]) -> None:
        self._exact: dict[str, list[Named]] = {}
        self._bare: dict[str, list[tuple[str, Named]]] = {}
        for one in things:
            name = name_of(one)
            self._exact.setdefault(name, []).append(one)
            self._bare.setdefault(bare(name), []).append((name, one))

    def of(self, name: str) -> list[Named]:
        """Return the things with this name; if there are none, those whose name fits, in their order."""
        fitting = self._bare.get(bare(name), [])
        return self._exact.get(name) or [one for other, one in fitting if not (_closed(name) and _closed(other))]
