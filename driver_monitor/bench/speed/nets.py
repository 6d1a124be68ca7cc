"""Runs the bare nets on the inputs that a pipeline gave them, and finds out what kind of numbers they compute with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver_monitor.app.build import NET_FILES, Models
from driver_monitor.config import resources
from driver_monitor.config.schema import Config
from driver_monitor.nets.onnx_model import OnnxModel, read_model

Feeds = Mapping[str, NDArray[np.float32] | NDArray[np.uint8]]
Call = tuple[str, Feeds]
"""The name of a net, and what it was run on."""
_QUANTISED = (b"QLinear", b"QuantizeLinear", b"ConvInteger", b"MatMulInteger")
"""Names of the ONNX operators of int8 nets, as they stand in the file."""
OTHER = {"fp32": "int8", "int8": "fp32"}


@dataclass(frozen=True, slots=True)
class BareNet:
    """One net. `precision`: `fp32` or `int8`. `twin`: the same net in the other one, if the folder has it."""

    name: str
    path: Path
    model: OnnxModel
    precision: str
    twin: OnnxModel | None


def bare_nets(config: Config, models: Models) -> dict[str, BareNet]:
    """Return the ONNX nets of `models` by name. A twin lies beside a net: `emotion.fp32.onnx` beside `emotion.onnx`.

    A detector that is no ONNX net (HOG, YuNet) is left out. Raises `ModelError` for a damaged twin.
    """
    folder = config.models.folder or resources.path("models")
    found = {}
    for name, file in NET_FILES.items():
        net: Any = getattr(models, name)
        model = getattr(net, "model", None)
        if not isinstance(model, OnnxModel):
            continue
        path = folder / file
        precision = precision_of(path)
        beside = path.with_suffix(f".{OTHER[precision]}.onnx")
        twin = type(net)(beside, config.models.threads).model if beside.exists() else None
        found[name] = BareNet(name, path, model, precision, twin)
    return found


def precision_of(path: Path) -> str:
    """Return `int8` if the file of a net has operators of int8, else `fp32`. Raises `ModelError`: cannot be read."""
    data = read_model(path)
    return "int8" if any(name in data for name in _QUANTISED) else "fp32"


@contextmanager
def recording(nets: Mapping[str, BareNet]) -> Iterator[list[Call]]:
    """Yield a list that gets each run of `nets` in the `with` block. Inputs are new arrays each time: no copies."""
    calls: list[Call] = []
    with ExitStack() as undo:
        for net in nets.values():
            setattr(net.model, "run", _recorder(net, calls))  # noqa: B010 - mypy forbids the assignment
            undo.callback(delattr, net.model, "run")
        yield calls


def _recorder(net: BareNet, calls: list[Call]) -> Any:
    run = net.model.run

    def recorded(feeds: Feeds) -> Any:
        calls.append((net.name, feeds))
        return run(feeds)

    return recorded


def run_bare(nets: Mapping[str, BareNet], calls: list[Call], spent: dict[str, list[float]]) -> float:
    """Run the nets on recorded inputs. Return the processor seconds of all; `spent` gets those of each run by net.

    A twin runs on the same inputs, in turns with its net; its seconds are in `spent` under `<name> twin`.
    """
    total = 0.0
    for name, feeds in calls:
        begin = time.thread_time()
        nets[name].model.run(feeds)
        seconds = time.thread_time() - begin
        total += seconds
        spent.setdefault(name, []).append(seconds)
        if (twin := nets[name].twin) is not None:
            begin = time.thread_time()
            twin.run(feeds)
            spent.setdefault(f"{name} twin", []).append(time.thread_time() - begin)
    return total
