"""Write a torch module as an ONNX file, without notes about the machine that trained it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

FEWEST = 500
"""Smallest tensor, in numbers, that `halve` stores with 16 bits."""


def export(module: torch.nn.Module, examples: Mapping[str, torch.Tensor], outputs: Sequence[str], path: Path) -> None:
    """Export with a free batch size. `examples`: the arguments of `forward`; the inputs get their names."""
    batch = torch.export.Dim("n", min=1, max=4096)
    torch.onnx.export(
        module, tuple(examples.values()), path, input_names=list(examples), output_names=list(outputs),
        dynamic_shapes={name: {0: batch} for name in examples}, dynamo=True, external_data=False, verbose=False,
    )  # fmt: skip
    strip(path)


def strip(path: Path) -> None:
    """Remove the notes of the exporter: stack traces with paths, a fifth of a small file."""
    model = onnx.load(path)
    graph = model.graph
    model.doc_string = graph.doc_string = ""
    holders = (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer)
    for holder in holders:
        del holder.metadata_props[:]
        holder.doc_string = ""
    del graph.value_info[:]
    onnx.save(model, path)


def shorten(path: Path) -> None:
    """Give everything inside the net a short name. The exporter's long names are a tenth of a file as small as ours."""
    model = onnx.load(path)
    graph = model.graph
    kept = {value.name for value in (*graph.input, *graph.output)}
    names: dict[str, str] = {}

    def short(name: str) -> str:
        return name if not name or name in kept else names.setdefault(name, f"t{len(names)}")

    for node in graph.node:
        node.name = ""
        node.input[:] = [short(name) for name in node.input]
        node.output[:] = [short(name) for name in node.output]
    for tensor in graph.initializer:
        tensor.name = short(tensor.name)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def halve(path: Path) -> None:
    """Store the large tensors of the file with 16 bits, with a cast behind each. onnxruntime casts them once."""
    model = onnx.load(path)
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < FEWEST:
            continue
        name, half = tensor.name, f"{tensor.name}h"
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)
