"""The last layer of the int8 expression net: read it, learn it anew, write it.

The convolutions are int8 with fixed ranges of activations. To train them needs the fp32 net and its data, which are not
shipped. The last layer gets 96 features of a face and of its mirror image, and gives eight logits: it can be trained
on these features alone. The new one is written in float (3 KB), so it needs no ranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from driver_monitor.data.observation import EXPRESSIONS
from driver_monitor.errors import ModelError
from driver_monitor.perception.expression.net import SIZE, ExpressionNet

Floats = NDArray[np.float64]
FEATURES = 96
SAME = 0.05
"""Largest difference of a probability between the file and its float head: the int8 ranges of the logits round."""
_QUANTISED = ("QuantizeLinear", "DequantizeLinear")


@dataclass(frozen=True)
class Head:
    """`weight` (8, 96) and `bias` (8,): the logits of a face are features @ weight.T + bias."""

    weight: Floats
    bias: Floats

    def probabilities(self, features: Floats) -> Floats:
        """Return the probabilities (n, 8) of the expressions for `features` (n, 96)."""
        logits = features @ self.weight.T + self.bias
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(p / p.sum(axis=1, keepdims=True))


class ExpressionFile:
    """An expression net as it is shipped, opened at its last layer. Raises `ModelError` if it is another net."""

    def __init__(self, path: Path) -> None:
        ExpressionNet(path)  # one clear line for a missing, damaged or other model
        self._path = path
        graph = onnx.load(path).graph
        gemms = [node for node in graph.node if node.op_type == "Gemm"]
        if len(gemms) != 1:
            raise self._wrong()
        self._tensors = _session(path, list(gemms[0].input))
        weight, bias = (self._run(name, self._blank()) for name in gemms[0].input[1:3])
        if weight.shape != (len(EXPRESSIONS), FEATURES) or bias.shape != (len(EXPRESSIONS),):
            raise self._wrong()
        self._features = gemms[0].input[0]
        self.head = Head(weight, bias)
        faces = np.random.default_rng(1).integers(0, 256, (2, SIZE, SIZE), dtype=np.uint8)
        wanted = [list(ExpressionNet(path).probabilities(face).p.values()) for face in faces]
        if np.abs(self.head.probabilities(self.features(faces)) - wanted).max() > SAME:
            raise self._wrong()

    def features(self, faces: NDArray[np.uint8]) -> Floats:
        """Return the features (n, 96) of `faces` (n, 48, 48): the mean of each face and its mirror image."""
        both = [self._run(self._features, face[None]).mean(axis=0) for face in faces]
        return np.stack(both) if both else np.zeros((0, FEATURES))

    def write(self, head: Head, path: Path) -> None:
        """Write the file to `path` with another last layer."""
        model = onnx.load(self._path)
        graph = model.graph
        last = next(index for index, node in enumerate(graph.node) if node.op_type == "Gemm")
        tail = list(graph.node)[last:]
        renamed: dict[str, str] = {}
        kept = []
        for node in tail:
            inputs = [renamed.get(name, name) for name in node.input]
            if node.op_type in _QUANTISED:
                renamed[node.output[0]] = inputs[0]
                continue
            node.input[:] = inputs
            kept.append(node)
        kept[0].input[1:] = ["head_weight", "head_bias"]
        del graph.node[last:]
        graph.node.extend(kept)
        for name, value in (("head_weight", head.weight), ("head_bias", head.bias)):
            held = [one for one in graph.initializer if one.name == name]
            for one in held:
                graph.initializer.remove(one)
            graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
        onnx.checker.check_model(model)
        onnx.save(model, path)

    def _run(self, name: str, faces: NDArray[np.uint8]) -> Floats:
        pictures = np.divide(faces[:, None], np.float32(255), dtype=np.float32)
        (value,) = self._tensors.run([f"{name}_read"], {"face": pictures})
        return np.asarray(value, np.float64)

    @staticmethod
    def _blank() -> NDArray[np.uint8]:
        return np.zeros((1, SIZE, SIZE), np.uint8)

    def _wrong(self) -> ModelError:
        return ModelError(f"{self._path}: its last layer is not that of emotion.onnx; take models/emotion.onnx")


def _session(path: Path, names: list[str]) -> ort.InferenceSession:
    """Return a session that also answers the tensors `names`."""
    model = onnx.load(path)
    for name in names:
        model.graph.node.append(helper.make_node("Identity", [name], [f"{name}_read"]))
        model.graph.output.append(helper.make_tensor_value_info(f"{name}_read", TensorProto.FLOAT, None))
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
