"""Read the weights of an exported net (ONNX) back into its torch module.

The exporter has merged each normalisation into the convolution before it. The merged bias becomes the bias of a
normalisation that changes nothing else. So the torch net gives the same answers, as long as it stays in `eval`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import nn


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    """Return the stored tensors of an ONNX file by name."""
    return {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in onnx.load(path).graph.initializer}


def load_merged(net: nn.Module, tensors: Mapping[str, torch.Tensor], prefix: str = "") -> None:
    """Copy the tensors of a file into `net`. `prefix`: what the names of the file have before those of the net.

    Raises `KeyError` or `RuntimeError` if a tensor is missing or has another shape.
    """
    state = net.state_dict()
    for name, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            before = _layer_before(name)
            ones = torch.ones(module.num_features)
            state[f"{name}.weight"] = torch.sqrt(ones + module.eps)
            state[f"{name}.bias"] = tensors[f"{prefix}{before}.weight_bias"]
            state[f"{name}.running_mean"] = torch.zeros(module.num_features)
            state[f"{name}.running_var"] = ones
        elif isinstance(module, nn.Conv2d | nn.Linear):
            state[f"{name}.weight"] = tensors[f"{prefix}{name}.weight"]
            if module.bias is not None:
                state[f"{name}.bias"] = tensors[f"{prefix}{name}.bias"]
    net.load_state_dict(state)


def _layer_before(name: str) -> str:
    """Return the convolution before a normalisation: both are neighbours in one `nn.Sequential`."""
    place, _, number = name.rpartition(".")
    return f"{place}.{int(number) - 1}"
