"""Read the weights of a shipped eye net (ONNX) back into the torch net, so that it can go on learning.

The exporter has merged each normalisation into the convolution before it. The merged bias becomes the bias of a
normalisation that changes nothing else. So the torch net gives the same answers, as long as it stays in `eval`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from driver_monitor.errors import ModelError
from driver_monitor.perception.eyes.eye_net import EyeNet
from tools.eyes.net import Answers, Net, example

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
    tensors = {
        one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in onnx.load(path).graph.initializer
    }
    net, wrong = Net().eval(), ModelError(f"{path}: its layers are not those of tools/eyes/net.py; take eyes.onnx")
    try:
        lines = tuple(zip(*(_flat(tensors[name]) for name in ("select", "select_1")), strict=True))
        _load(net, tensors)
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


def _load(net: Net, tensors: dict[str, torch.Tensor]) -> None:
    """Copy the tensors of the file into the net. Raises `KeyError` or `RuntimeError` if one is missing or differs."""
    state = net.state_dict()
    for name, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            before = _layer_before(name)
            state[f"{name}.weight"] = torch.sqrt(torch.ones_like(module.running_var) + module.eps)
            state[f"{name}.bias"] = tensors[f"net.{before}.weight_bias"]
            state[f"{name}.running_mean"] = torch.zeros_like(module.running_mean)
            state[f"{name}.running_var"] = torch.ones_like(module.running_var)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            state[f"{name}.weight"] = tensors[f"net.{name}.weight"]
            if module.bias is not None:
                state[f"{name}.bias"] = tensors[f"net.{name}.bias"]
    net.load_state_dict(state)


def _layer_before(name: str) -> str:
    """Return the convolution before a normalisation: both are neighbours in one `nn.Sequential`."""
    place, _, number = name.rpartition(".")
    return f"{place}.{int(number) - 1}"


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
