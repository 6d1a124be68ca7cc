"""Calibrate the trained expression net, quantise it to int8 in several forms and keep the best one.

    python -m tools.expression.quantise

Temperature, weight of rare classes and form are chosen on the held-back pictures of the training split. Writes
`models/emotion.onnx` (int8), and to `--work` `emotion_fp32.onnx` (for the parity test) and `quantised.json`. Needs the
extra `train`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn
from torch.nn import functional

from driver_monitor.data.observation import EXPRESSIONS
from tools import ROOT, SHARED
from tools.expression.data import Faces, load
from tools.expression.looks import looks
from tools.expression.nets import Mirrored, Net
from tools.expression.teach import logits_of
from tools.training.onnx_file import export, shorten, strip

FORMS = {"qdq": QuantFormat.QDQ, "qop": QuantFormat.QOperator}
METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}
LARGEST = 300_000
"""Largest size of the shipped file, bytes."""
MS_PER_POINT = 0.2
"""Milliseconds that one point of accuracy is worth when the form is chosen."""
WORTH_OF_RARE = 0.3
"""Points of accuracy on the held-back pictures that better recall of rare classes may cost."""


class Probabilities(nn.Module):
    """The exported net, with calibration: p = softmax(logits / temperature + bias).

    The logits are the mean over the face and its mirror image.
    """

    def __init__(self, net: Net, temperature: float, bias: NDArray[np.float64]) -> None:
        super().__init__()
        with torch.no_grad():
            net.head.weight.div_(temperature)
            net.head.bias.div_(temperature).add_(torch.from_numpy(bias).float())
        self.both = Mirrored(net)

    def forward(self, face: torch.Tensor) -> torch.Tensor:
        """Return the probabilities (N, 8) of faces (N, 1, 48, 48)."""
        return torch.softmax(self.both(face), 1)


def calibrated(logits: torch.Tensor, faces: Faces, share: NDArray[np.float64]) -> tuple[float, float]:
    """Return the temperature with the least cross-entropy, and the factor by which rare classes are favoured.

    The factor scales -log(share of the class). It is the one with the best mean recall among those that cost at most
    `WORTH_OF_RARE` points of accuracy.
    """
    label = torch.from_numpy(faces.label)
    grid = np.exp(np.linspace(np.log(0.4), np.log(2.5), 161))
    temperature = float(min(grid, key=lambda t: functional.cross_entropy(logits / t, label).item()))
    common = [i for i in range(len(EXPRESSIONS)) if (faces.label == i).sum() >= 20]
    best, favour = -1.0, 0.0
    plain = accuracy(logits, faces)
    for weight in np.linspace(0, 0.6, 25):
        answer = (logits / temperature - torch.from_numpy(weight * np.log(share)).float()).argmax(1).numpy()
        recall = np.mean([(answer == i)[faces.label == i].mean() for i in common])
        if (answer == faces.label).mean() >= plain - WORTH_OF_RARE / 100 and recall > best:
            best, favour = float(recall), float(weight)
    return temperature, favour


def accuracy(logits: torch.Tensor, faces: Faces) -> float:
    return float((logits.argmax(1).numpy() == faces.label).mean())


class Slice(CalibrationDataReader):
    """Pictures that set the ranges of the activations."""

    def __init__(self, images: NDArray[np.float32]) -> None:
        self.batches = iter(np.array_split(images, 20))

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next batch, None at the end."""
        batch = next(self.batches, None)
        return None if batch is None else {"face": batch}


def quantise(fp32: Path, out: Path, pictures: NDArray[np.float32], form: str, method: str) -> None:
    """Quantise convolutions and head to int8, per channel. The normalisation of the input stays in float."""
    ready = out.with_suffix(".ready.onnx")
    quant_pre_process(str(fp32), str(ready), skip_symbolic_shape=True)
    nodes = list(onnx.load(ready).graph.node)
    first = next(i for i, node in enumerate(nodes) if node.op_type == "Conv")
    kinds = ["Conv", "Relu", "Add", "ReduceMean", "Gemm"] if form == "qdq" else ["Conv", "Add"]
    quantize_static(
        str(ready), str(out), Slice(pictures), quant_format=FORMS[form], per_channel=True, op_types_to_quantize=kinds,
        nodes_to_exclude=[node.name for node in nodes[:first]], calibrate_method=METHODS[method],
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
    ready.unlink()
    strip(out)
    shorten(out)


def session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def probabilities(path: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the answers for `images` (N, 48, 48), one by one as at run time."""
    run = session(path)
    pictures = images.astype(np.float32)[:, None, None] / np.float32(255)
    return np.concatenate([run.run(None, {"face": x})[0] for x in pictures])


def milliseconds(paths: dict[str, Path], image: NDArray[np.uint8], rounds: int = 60) -> dict[str, float]:
    """Return the median time of each net for one face. The nets take turns."""
    runs = {name: session(path) for name, path in paths.items()}
    x = image.astype(np.float32)[None, None] / np.float32(255)
    times: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(rounds):
        for name, run in runs.items():
            run.run(None, {"face": x})
            began = time.perf_counter()
            for _ in range(5):
                run.run(None, {"face": x})
            times[name].append((time.perf_counter() - began) / 5 * 1e3)
    return {name: float(np.median(taken)) for name, taken in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data/emotion/ferplus48_train_valid.npz")
    parser.add_argument("--work", type=Path, default=ROOT / "training/emotion")
    parser.add_argument("--out", type=Path, default=ROOT / "models/emotion.onnx")
    options = parser.parse_args()
    split = load(options.data, options.work / "decoded.npy")
    trained = torch.load(options.work / "net.pt", weights_only=True)
    net, held = Net().eval(), split.held.certain()
    net.load_state_dict(trained["mean"])
    logits = logits_of(Mirrored(net), torch.from_numpy(held.images))
    share = split.train.target.mean(0).astype(np.float64)
    temperature, favour = calibrated(logits, held, share)
    fp32 = options.work / "emotion_fp32.onnx"
    module = Probabilities(net, temperature, -favour * np.log(share)).eval()
    export(module, {"face": torch.rand(2, 1, 48, 48)}, ["p"], fp32)
    some = torch.from_numpy(split.train.images[:1000]).unsqueeze(1).float() / 255
    pictures = looks(some, torch.Generator().manual_seed(3), 0.3).numpy()
    reference = probabilities(fp32, held.images)
    paths = {
        f"{form}_{method}": options.work / f"{form}_{method}.onnx" for form, method in itertools.product(FORMS, METHODS)
    }
    for name, path in paths.items():
        quantise(fp32, path, pictures, *name.split("_"))
    times = milliseconds({"fp32": fp32, **paths}, held.images[0])
    rows = {}
    for name, path in {"fp32": fp32, **paths}.items():
        p = probabilities(path, held.images)
        rows[name] = {
            "held_back_accuracy": float((p.argmax(1) == held.label).mean()), "ms": times[name],
            "mean_abs_difference": float(np.abs(p - reference).mean()), "bytes": path.stat().st_size,
        }  # fmt: skip
    fit = [name for name in paths if rows[name]["bytes"] <= LARGEST]
    best = max(fit, key=lambda name: rows[name]["held_back_accuracy"] * 100 - rows[name]["ms"] / MS_PER_POINT)
    options.out.write_bytes(paths[best].read_bytes())
    result = {"epoch": trained["epoch"], "temperature": temperature, "favour_of_rare": favour, "chosen": best, **rows}
    (options.work / "quantised.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
