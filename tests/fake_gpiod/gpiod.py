"""A stand-in for the package `gpiod`: a GPIO chip is a JSON file, which processes share and a kill does not change.

The file has the chip's `label`, the `names` of its lines, for each line its `level` (0 or 1, as a voltmeter shows it)
and its `holder` (process and number of the request), and `fault`, an errno that each use of the chip raises. Like the
kernel, it frees a line when its process is gone, and then keeps its level. `presses`: edges of a button that wait.
`edges` false: the chip cannot report any. Put this folder on PYTHONPATH.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any


class Value(Enum):
    INACTIVE = 0
    ACTIVE = 1

    def __bool__(self) -> bool:
        return self is Value.ACTIVE


class Direction(Enum):
    AS_IS = 1
    INPUT = 2
    OUTPUT = 3


class Bias(Enum):
    AS_IS = 1
    PULL_UP = 4


class Edge(Enum):
    NONE = 1
    RISING = 2


line = SimpleNamespace(Value=Value, Direction=Direction, Bias=Bias, Edge=Edge)
SIZE = 2048
"""Bytes of the file, more than any state has."""
_numbers = itertools.count(1)


@dataclass
class LineSettings:
    direction: Direction = Direction.AS_IS
    edge_detection: Edge = Edge.NONE
    bias: Bias = Bias.AS_IS
    active_low: bool = False
    debounce_period: timedelta = timedelta()
    output_value: Value = Value.INACTIVE


@contextmanager
def opened(path: str) -> Iterator[dict[str, Any]]:
    """Yield the chip's state, and write it back. Raises as the kernel does."""
    with Path(path).open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            state = json.load(file)
            fault = state.get("fault")
        except ValueError:
            state, fault = {}, errno.ENODEV
        if fault:
            raise OSError(fault, os.strerror(fault))
        before = json.dumps(state)
        yield state
        if (after := json.dumps(state)) != before:
            # One call and no truncation: a process that is killed here must not leave half of a chip.
            os.pwrite(file.fileno(), after.ljust(SIZE).encode(), 0)


def is_gpiochip_device(path: str) -> bool:
    try:
        with opened(path):
            return True
    except PermissionError:
        raise
    except OSError:
        return False


def _alive(holder: list[Any]) -> bool:
    try:
        return Path(f"/proc/{holder[0]}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Chip:
    def __init__(self, path: str) -> None:
        self.path = path
        with opened(path):
            pass

    def __enter__(self) -> Chip:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        pass

    def get_info(self) -> Any:
        with opened(self.path) as state:
            return SimpleNamespace(label=state["label"], name=Path(self.path).name, num_lines=len(state["level"]))

    def line_offset_from_id(self, id: int | str) -> int:
        with opened(self.path) as state:
            if isinstance(id, str) and id not in state["names"]:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            offset = id if isinstance(id, int) else int(state["names"][id])
            if offset >= len(state["level"]):
                raise ValueError("line offset of out range")
            return offset

    def get_line_info(self, line: int | str) -> Any:
        offset = self.line_offset_from_id(line)
        with opened(self.path) as state:
            holder = state["holder"].get(str(offset))
            return SimpleNamespace(consumer=holder[2] if holder and _alive(holder) else "")

    def request_lines(self, config: dict[int | str, LineSettings], consumer: str) -> LineRequest:
        ((wanted, settings),) = config.items()
        offset = self.line_offset_from_id(wanted)
        number = next(_numbers)
        with opened(self.path) as state:
            holder = state["holder"].get(str(offset))
            if holder is not None and _alive(holder):
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
            if settings.edge_detection is not Edge.NONE and not state.get("edges", True):
                raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
            state["holder"][str(offset)] = [os.getpid(), number, consumer]
            if settings.direction is Direction.OUTPUT:
                state["level"][offset] = settings.output_value.value ^ settings.active_low
            elif settings.bias is Bias.PULL_UP and state.get("pull_up", True):
                state["level"][offset] = 1
        return LineRequest(self.path, wanted, offset, number, settings)


class LineRequest:
    def __init__(self, path: str, wanted: int | str, offset: int, number: int, settings: LineSettings) -> None:
        self._path, self._wanted, self._offset, self._number = path, wanted, offset, number
        self._settings, self._released = settings, False

    def set_value(self, line: int | str, value: Value) -> None:
        assert line == self._wanted
        assert not self._released, "GPIO lines have been released"
        with opened(self._path) as state:
            state["level"][self._offset] = value.value ^ self._settings.active_low

    def get_value(self, line: int | str) -> Value:
        assert line == self._wanted
        assert not self._released, "GPIO lines have been released"
        with opened(self._path) as state:
            return Value(state["level"][self._offset] ^ self._settings.active_low)

    def wait_edge_events(self, timeout: float | None = None) -> bool:
        assert timeout == 0
        with opened(self._path) as state:
            return bool(state.get("presses", 0))

    def read_edge_events(self) -> list[object]:
        with opened(self._path) as state:
            return [object()] * int(state.pop("presses"))

    def release(self) -> None:
        if not self._released:
            self._released = True
            try:
                with opened(self._path) as state:
                    state["holder"].pop(str(self._offset), None)
            except OSError:
                pass  # the real one closes a descriptor, which works without the chip, too
