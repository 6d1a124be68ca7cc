"""Write a torch module as an ONNX file without traces of the machine it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
import torch


def export(module: torch.nn.Module, examples: Mapping[str, torch.Tensor], outputs: Sequence[str], path: Path) -> None:
    """Export with a free batch; `examples`: the arguments of `forward`, whose names the inputs get."""
    batch = torch.export.Dim("n", min=1, max=4096)
    torch.onnx.export(
        module, tuple(examples.values()), path, input_names=list(examples), output_names=list(outputs),
        dynamic_shapes={name: {0: batch} for name in examples}, dynamo=True, external_data=False, verbose=False,
    )  # fmt: skip
    strip(path)


def strip(path: Path) -> None:
    """Drop the exporter's notes: stack traces with paths, a fifth of a small file."""
    model = onnx.load(path)
    graph = model.graph
    model.doc_string = graph.doc_string = ""
    holders = (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer)
    for holder in holders:
        del holder.metadata_props[:]
        holder.doc_string = ""
    del graph.value_info[:]
    onnx.save(model, path)
