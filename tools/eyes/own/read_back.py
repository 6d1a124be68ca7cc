"""Read the weights of a shipped eye net (ONNX) back into the torch net, so that it can go on learning.

The torch net gives the same answers, as long as it stays in `eval` (`tools.training.read_back`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from driver_monitor.errors import ModelError
from driver_monitor.perception.eyes.eye_net import EyeNet
from tools.eyes.net import Answers, Net, example
from tools.training.read_back import load_merged, tensors_of

Lines = tuple[tuple[float, float], ...]
"""Factor and shift of closed, lowered and hidden."""
LEARNED = ("net.eye.8.", "net.lids.")
"""The layers that `write_back` writes."""
SAME = 1e-4
"""Largest difference of an answer between the file and the net that was read from it."""


def read_back(path: Path) -> tuple[Net, Lines]:
    """Return the net of `path` in `eval`, and the factor and the shift of closed, lowered and hidden.

    Raises `ModelError` if the file is unreadable, has other layers, or if the net gives other answers than the file.
    """
    EyeNet(path)  # one clear line for a missing, damaged or other model
    tensors = tensors_of(path)
    net, wrong = Net().eval(), ModelError(f"{path}: its layers are not those of tools/eyes/net.py; take eyes.onnx")
    try:
        lines = tuple(zip(*(_flat(tensors[name]) for name in ("select", "select_1")), strict=True))
        load_merged(net, tensors, "net.")
    except (KeyError, RuntimeError, ValueError) as error:
        raise wrong from error
    if len(lines) != 3 or not _same(net, lines, path):
        raise wrong
    return net, lines


def write_back(net: Net, start: Path, path: Path) -> None:
    """Write the file `start` to `path` with the last layers (`LEARNED`) of `net`. The convolutions are kept.

    Raises `ModelError` if `net` differs from `start` in other layers.
    """
    model = onnx.load(start)
    state = net.state_dict()
    for tensor in model.graph.initializer:
        if tensor.name.startswith(LEARNED):
            tensor.CopyFrom(numpy_helper.from_array(state[tensor.name.removeprefix("net.")].numpy(), tensor.name))
    onnx.save(model, path)
    written, _ = read_back(path)
    if not all(torch.allclose(one, state[name], atol=SAME) for name, one in written.state_dict().items()):
        raise ModelError(f"{start}: other layers than the last ones have changed; this is a fault of the program")


def _flat(tensor: torch.Tensor) -> list[float]:
    return [float(value) for value in tensor.flatten()]


@torch.no_grad()
def _same(net: Net, lines: Lines, path: Path) -> bool:
    torch.manual_seed(1)
    inputs = example()
    levels = {name: (value * 255).round().to(torch.uint8).numpy()[:, 0] for name, value in inputs.items()}
    wanted = EyeNet(path).read(levels["eye"], levels["band"])
    found = Answers(net, lines).eval()(
        *(torch.from_numpy(levels[k]).unsqueeze(1).float() / 255 for k in ("eye", "band"))
    )
    pairs = zip((wanted.p, wanted.aspect, wanted.sunglasses), found, strict=True)
    return all(bool(np.abs(a - b.numpy()).max() < SAME) for a, b in pairs)
