"""What an expression net is worth on labelled faces."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch.nn import functional

EMOTIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")


def session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def probabilities(path: Path, images: np.ndarray, channel_last: bool = False) -> tuple[np.ndarray, float]:
    """Answer all images one by one, as at run time; also the median milliseconds of one."""
    run, out, times = session(path), [], []
    name = run.get_inputs()[0].name
    for image in images:
        x = image.astype(np.float32)[None] / 255
        x = x[..., None] if channel_last else x[:, None]
        began = time.perf_counter()
        out.append(run.run(None, {name: x})[0][0])
        times.append(time.perf_counter() - began)
    return np.array(out), float(np.median(times) * 1e3)


def calibration_error(p: np.ndarray, label: np.ndarray) -> float:
    """Expected calibration error of the winning class, 15 bins of equal width."""
    top, right = p.max(1), p.argmax(1) == label
    which = np.minimum((top * 15).astype(int), 14)
    return float(sum(abs(top[which == b].sum() - right[which == b].sum()) for b in range(15)) / len(p))


def figures(p: np.ndarray, label: np.ndarray, fresh: np.ndarray) -> dict[str, object]:
    right = p.argmax(1) == label
    answered = {
        f"{t:.2f}": [float((p.max(1) >= t).mean()), float(right[p.max(1) >= t].mean())]
        for t in (0.4, 0.45, 0.5, 0.55, 0.6, 0.7)
    }
    recall = {e: float(right[label == i].mean()) for i, e in enumerate(EMOTIONS)}
    return {
        "accuracy": float(right.mean()), "accuracy_without_near_duplicates": float(right[fresh].mean()),
        "ece": calibration_error(p, label), "recall": recall, "answered_and_accuracy_at": answered,
    }  # fmt: skip


def without_near_duplicates(valid: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Tell which images correlate with no training image above 0.98."""

    def unit(x: np.ndarray) -> torch.Tensor:
        flat = torch.from_numpy(x.reshape(len(x), -1).astype(np.float32))
        return functional.normalize(flat - flat.mean(1, keepdim=True), dim=1)

    a, b = unit(valid), unit(train)
    return np.concatenate([((part @ b.T).amax(1) < 0.98).numpy() for part in a.split(200)])


def measure(data: dict[str, np.ndarray], work: Path, other: Path | None) -> dict[str, object]:
    """Score fp32, both int8 forms and, beside them, the anchor, on the valid split."""
    rows = data["valid"] & (data["label"] >= 0)
    images, label = data["images"][rows], data["label"][rows]
    fresh = without_near_duplicates(images, data["images"][~data["valid"]])
    result: dict[str, object] = {"images": len(label), "without_near_duplicates": int(fresh.sum())}
    reference = None
    for name, path in (("fp32", work / "emotion_fp32.onnx"), ("qdq", work / "qdq.onnx"), ("qop", work / "qop.onnx")):
        p, ms = probabilities(path, images)
        reference = p if reference is None else reference
        same = {"same_answer": float((p.argmax(1) == reference.argmax(1)).mean()),
                "mean_abs_difference": float(np.abs(p - reference).mean())}  # fmt: skip
        result[name] = {**figures(p, label, fresh), "ms": ms, "bytes": path.stat().st_size, **same}
    if other is not None and other.exists():
        p, ms = probabilities(other, images, channel_last=True)
        result[other.stem] = {**figures(p, label, fresh), "ms": ms, "bytes": other.stat().st_size}
    return result
