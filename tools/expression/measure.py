"""Compare the shipped expression net with the anchor, a published net. Prints the figures of models/emotion.md.

    python -m tools.expression.measure --shared ../shared [--json figures.json]

Measured on the validation split of FER+ (without repeated pictures), on portraits and near-infrared stills that no net
of ours has learned from, and on covered and darkened faces. For the time the anchor is quantised here (static
QOperator, percentile). Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from driver_monitor.bench.score.intervals import bootstrap
from driver_monitor.bench.score.nets.expression import is_answered, score_emotion, to_json
from driver_monitor.config import resources
from driver_monitor.data.observation import EXPRESSIONS
from tools import ROOT, SHARED
from tools.expression.data import load
from tools.expression.stills import cabin, infrared, portraits

SIX = [i for i, name in enumerate(EXPRESSIONS) if name not in ("disgust", "contempt")]
"""The classes with at least 50 faces in the validation split."""
Pictures = NDArray[np.uint8]
Floats = NDArray[np.float64]


class Net:
    """An expression net from a file. The anchor has its channel last."""

    def __init__(self, path: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.path, self.run = path, ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.input = self.run.get_inputs()[0]

    def feed(self, image: Pictures) -> dict[str, NDArray[np.float32]]:
        """Return the input of the net for one picture (48, 48)."""
        x = image.astype(np.float32) / np.float32(255)
        return {self.input.name: x[None, :, :, None] if self.input.shape[-1] == 1 else x[None, None]}

    def __call__(self, images: Pictures) -> Floats:
        """Return the answers one by one, as at run time."""
        return np.concatenate([self.run.run(None, self.feed(image))[0] for image in images]).astype(np.float64)


class Slice(CalibrationDataReader):
    """Training faces that set the ranges of the anchor's activations."""

    def __init__(self, images: Pictures, name: str) -> None:
        self.batches = iter(np.array_split(images.astype(np.float32)[..., None] / np.float32(255), 10))
        self.name = name

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next batch, None at the end."""
        batch = next(self.batches, None)
        return None if batch is None else {self.name: batch}


def quantised_anchor(anchor: Path, images: Pictures, folder: Path) -> Path:
    ready, out = folder / "ready.onnx", folder / "anchor_int8.onnx"
    quant_pre_process(str(anchor), str(ready), skip_symbolic_shape=True)
    quantize_static(
        str(ready), str(out), Slice(images, "input"), quant_format=QuantFormat.QOperator, per_channel=True,
        calibrate_method=CalibrationMethod.Percentile, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
    return out


def ratio_of_times(ours: Net, other: Net, image: Pictures, rounds: int = 300) -> dict[str, float]:
    """Return the median milliseconds of both nets for one face, in turns, and the median of their ratios."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for net, times in zip((ours, other), taken, strict=True):
            feed = net.feed(image)
            net.run.run(None, feed)
            began = time.perf_counter()
            for _ in range(5):
                net.run.run(None, feed)
            times.append((time.perf_counter() - began) / 5 * 1e3)
    a, b = np.array(taken)
    return {"ours_ms": float(np.median(a)), "anchor_ms": float(np.median(b)), "ratio": float(np.median(a / b))}


def mean_recall(right: NDArray[np.bool_], label: NDArray[np.int64], times: NDArray[np.int64]) -> float:
    return float(np.mean([times[label == i] @ right[label == i] / max(1, times[label == i].sum()) for i in SIX]))


def paired(ours: Floats, other: Floats, label: NDArray[np.int64]) -> dict[str, Any]:
    """Return by how many points ours is better. The bootstrap draws the same faces for both."""
    a, b = ours.argmax(1) == label, other.argmax(1) == label
    share = bootstrap(len(label), lambda times: 100 * float(times @ (a.astype(int) - b)) / len(label))
    recall = bootstrap(len(label), lambda times: 100 * (mean_recall(a, label, times) - mean_recall(b, label, times)))
    once = np.ones(len(label), np.int64)
    return {
        "accuracy": [float(a.mean()), float(b.mean())], "ahead_points": _row(share),
        "mean_recall_six": [mean_recall(a, label, once), mean_recall(b, label, once)],
        "recall_ahead_points": _row(recall),
    }  # fmt: skip


def _row(figure: Any) -> list[float | None]:
    return [figure.value, figure.low, figure.high]


def spoilt() -> Iterator[tuple[str, Callable[[Pictures], Pictures]]]:
    """Yield names and functions that cover or darken faces (N, 48, 48)."""

    def box(top: int, bottom: int, left: int, right: int, tone: int) -> Callable[[Pictures], Pictures]:
        def cover(images: Pictures) -> Pictures:
            images = images.copy()
            images[:, top:bottom, left:right] = tone
            return images

        return cover

    yield "mouth covered", box(31, 48, 9, 39, 128)
    yield "lower face white", box(27, 48, 6, 42, 230)
    yield "sunglasses", box(13, 24, 6, 42, 15)
    yield "a sixteenth of the light", lambda images: images // 16
    yield (
        "a sixteenth, with noise",
        lambda images: np.clip(images / 16 + np.random.default_rng(5).normal(0, 1, images.shape), 0, 255).astype(
            np.uint8
        ),
    )


def answers(p: Floats, label: NDArray[np.int64]) -> dict[str, float]:
    sure, right = is_answered(p), p.argmax(1) == label
    shown = float(right[sure].mean()) if sure.any() else float("nan")
    return {"answered": float(sure.mean()), "right_of_answered": shown, "accuracy": float(right.mean())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--model", type=Path, default=resources.path("models/emotion.onnx"))
    parser.add_argument("--fp32", type=Path, default=ROOT / "training/emotion/emotion_fp32.onnx", help="the float net")
    parser.add_argument("--stills", action=argparse.BooleanOptionalAction, default=True, help="also stills")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    anchor = options.shared / "anchors/vicksam_ferplus_pd.onnx"
    if not anchor.is_file():
        sys.exit(f"{anchor}: not found; name the folder that holds anchors/ with --shared")
    with tempfile.TemporaryDirectory() as folder:
        split = load(options.shared / "data/emotion/ferplus48_train_valid.npz", Path(folder) / "decoded.npy")
        small = Net(quantised_anchor(anchor, split.train.images[:300], Path(folder)))
        ours, other, valid = Net(options.model), Net(anchor), split.valid
        p, q = ours(valid.images), other(valid.images)
        result: dict[str, Any] = {
            "bytes": options.model.stat().st_size,
            "ours": to_json(options.model, score_emotion(p, valid.label), ""),
            "anchor": to_json(anchor, score_emotion(q, valid.label), ""),
            "paired": paired(p, q, valid.label),
            "time": ratio_of_times(ours, small, valid.images[0]),
            "anchor_int8_accuracy": float((small(valid.images).argmax(1) == valid.label).mean()),
            "clean": answers(p, valid.label),
        }
        if options.fp32.is_file():
            full = Net(options.fp32)(valid.images)
            result["fp32"] = {"accuracy": float((full.argmax(1) == valid.label).mean()),
                              "same_answer": float((full.argmax(1) == p.argmax(1)).mean()),
                              "mean_abs_difference": float(np.abs(full - p).mean())}  # fmt: skip
        for name, spoil in spoilt():
            images = spoil(valid.images)
            result[name] = {"ours": answers(ours(images), valid.label), "anchor": answers(other(images), valid.label)}
        if options.stills:
            data, nets = options.shared / "data", {"ours": ours, "anchor": other}
            result["portraits"] = portraits(data / "portraits", data / "portraits.csv", nets)
            result["infrared"] = infrared(data / "nir", data / "nir/labels.csv", nets)
            result["cabin"] = cabin(data / "incar_stills", ours)
    print(json.dumps(result, indent=1))
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
