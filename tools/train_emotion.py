"""Train the expression net on the FER+ votes, calibrate it, quantise it to int8 and measure it.

    /opt/train/bin/python tools/train_emotion.py --data ../shared/data/emotion/ferplus48_train_valid.npz

Seeded, and resumed from the checkpoint in `--work` when started again. Writes `models/emotion.onnx` (int8), and
beside the checkpoint `emotion_fp32.onnx` and `figures.json`. Needs torch, onnx, onnxruntime, OpenCV (extra `train`).
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from emotion_figures import EMOTIONS, measure
from onnx_file import export, strip
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn
from torch.nn import functional

from training import Residual, conv, follow, scale_of_rate

ROOT = Path(__file__).parent.parent
HELD_BACK = 1500  # training images kept for the temperature and the choice of the calibration, never trained on
BATCH = 128
PEAK_LR = 3e-3
WEIGHT_DECAY = 0.05
WARM = 0.03
EMA = 0.998
MILD_FROM = 0.7  # share of the epochs after which the pictures get closer to those of the data set


def load(path: Path, cache: Path) -> dict[str, np.ndarray]:
    """Decode the images once; targets are the FER+ vote shares of the eight emotions, single votes dropped."""
    if cache.exists():
        return dict(np.load(cache))
    z = np.load(path)
    jpeg, offset, votes = z["jpeg"], z["offset"], z["votes"].astype(np.float32)
    images = np.stack([cv2.imdecode(jpeg[a:b], 0) for a, b in itertools.pairwise(offset)])
    names = list(z["vote_names"])
    emotion = votes[:, [names.index(n) for n in EMOTIONS]]
    junk = votes[:, [names.index("NF"), names.index("unknown")]].sum(1)
    kept = np.where(emotion > 1, emotion, 0)  # one vote of ten is an outlier (Barsoum et al., ICMI 2016)
    total = kept.sum(1)
    data = {
        "images": images,
        "target": kept / np.maximum(total, 1)[:, None],
        "usable": (total > 0) & (junk < 5),
        "label": z["label"],
        "valid": z["split"] == 1,
    }
    np.savez(cache, **data)
    return data


class Net(nn.Module):
    """Plain convolutions: int8 kernels are fastest on them, and depthwise ones train at a third of the speed."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv(1, 32, 5, 2), Residual(32, 32), conv(32, 64, 3, 2), Residual(64, 48),
            conv(64, 96, 3, 2), Residual(96, 56),
        )  # fmt: skip
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(96, len(EMOTIONS))
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, face: torch.Tensor) -> torch.Tensor:
        """Pictures to logits."""
        x = face - face.mean((2, 3), keepdim=True)
        x = x / (x.square().mean((2, 3), keepdim=True).sqrt() + 0.02)  # gain and offset of the camera fall out
        return self.head(self.drop(self.features(x).mean((2, 3)))) / self.temperature


class Probabilities(nn.Module):
    """The net with its softmax, as exported."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, face: torch.Tensor) -> torch.Tensor:
        """Pictures to probabilities."""
        return torch.softmax(self.net(face), 1)


def augment(x: torch.Tensor, often: float) -> torch.Tensor:
    """Mirror, small affine, tone curve (some as in infrared), blur, noise and cutout, each image on its own.

    `often` scales how many images are blurred, noisy, covered in part or infrared-like.
    """
    n = len(x)

    def rand(low: float, high: float) -> torch.Tensor:
        return torch.rand(n) * (high - low) + low

    angle, scale, flip = rand(-0.22, 0.22), rand(0.85, 1.12), torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    shear, tx, ty = rand(-0.06, 0.06), rand(-0.09, 0.09), rand(-0.09, 0.09)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack([flip * cos, -sin + shear, tx, flip * sin, cos, ty], 1).view(n, 2, 3)
    grid = functional.affine_grid(theta, [n, 1, 48, 48], align_corners=False)
    x = functional.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    infrared = torch.rand(n) < 0.15 * often  # flat, bright skin and dark surroundings
    gamma = torch.exp(torch.where(infrared, rand(-0.9, 0.6), rand(-0.35, 0.35)))
    x = x.clamp(1e-4, 1).pow(gamma.view(n, 1, 1, 1))
    vignette = (grid.square().sum(-1).unsqueeze(1) * rand(0.1, 0.5).view(n, 1, 1, 1)).clamp(0, 0.9)
    x = torch.where(infrared.view(n, 1, 1, 1), x * (1 - vignette), x)
    blurred = functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    blend = torch.where(torch.rand(n) < 0.25 * often, rand(0.3, 1.0), torch.zeros(n)).view(n, 1, 1, 1)
    x = x + blend * (blurred - x)
    sigma = torch.where(torch.rand(n) < 0.3 * often, rand(0.0, 0.08), torch.zeros(n)).view(n, 1, 1, 1)
    x = x + sigma * torch.randn_like(x)
    return cutout(x, 0.33 * often)


def cutout(x: torch.Tensor, share: float) -> torch.Tensor:
    """Cover one rectangle of up to 18 px in a share of the images with a random grey."""
    n = len(x)
    top, left = torch.randint(0, 48, (n, 1, 1)), torch.randint(0, 48, (n, 1, 1))
    high, wide = torch.randint(6, 19, (n, 1, 1)), torch.randint(6, 19, (n, 1, 1))
    rows, columns = torch.arange(48).view(1, 48, 1), torch.arange(48).view(1, 1, 48)
    inside = (rows >= top) & (rows < top + high) & (columns >= left) & (columns < left + wide)
    inside &= torch.rand(n, 1, 1) < share
    return torch.where(inside.unsqueeze(1), torch.rand(n, 1, 1, 1), x)


def fit(images: torch.Tensor, target: torch.Tensor, work: Path, epochs: int, watch: tuple) -> Net:
    """Train with soft cross-entropy; the exponential mean of the weights is what is kept."""
    net, mean = Net().to(memory_format=torch.channels_last), Net()
    mean.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW(net.parameters(), lr=PEAK_LR, weight_decay=WEIGHT_DECAY)
    per_epoch = len(images) // BATCH
    start, checkpoint = 0, work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(saved["net"])
        mean.load_state_dict(saved["mean"])
        optimizer.load_state_dict(saved["optimizer"])
        start = saved["epoch"]
    for epoch in range(start, epochs):
        torch.manual_seed(1000 + epoch)
        began, total = time.monotonic(), 0.0
        net.train()
        order = torch.randperm(len(images))
        often = 1.0 if epoch < MILD_FROM * epochs else 0.4
        for i in range(per_epoch):
            for group in optimizer.param_groups:
                group["lr"] = PEAK_LR * scale_of_rate(epoch * per_epoch + i, epochs * per_epoch, WARM)
            rows = order[i * BATCH : (i + 1) * BATCH]
            x = augment(images[rows].unsqueeze(1).float() / 255, often).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                logits = net(x)
            loss = -(target[rows] * functional.log_softmax(logits.float(), 1)).sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            follow(mean, net, EMA)
        state = {"net": net.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save({**state, "epoch": epoch + 1}, checkpoint)
        accuracy = (logits_of(mean, watch[0]).argmax(1) == watch[1]).float().mean().item()
        print(f"epoch {epoch + 1}/{epochs} loss {total / per_epoch:.4f} held-back accuracy {accuracy:.4f}"
              f" {time.monotonic() - began:.0f} s", flush=True)  # fmt: skip
    return mean.eval()


@torch.no_grad()
def logits_of(net: Net, images: torch.Tensor) -> torch.Tensor:
    net.eval()
    return torch.cat([net(b.unsqueeze(1).float() / 255) for b in images.split(500)])


def fit_temperature(net: Net, images: torch.Tensor, label: torch.Tensor) -> float:
    """Find the temperature of the least cross-entropy against the majority label on the held-back images.

    Trained on vote shares, the net tells how annotators would divide; a user takes its number for how often it is
    right, which is more.
    """
    logits = logits_of(net, images)
    grid = np.exp(np.linspace(np.log(0.4), np.log(2.5), 161))
    losses = [functional.cross_entropy(logits / t, label).item() for t in grid]
    best = float(grid[int(np.argmin(losses))])
    net.temperature.fill_(best)
    return best


class Slice(CalibrationDataReader):
    """Training images for the ranges of the activations."""

    def __init__(self, images: np.ndarray) -> None:
        self.batches = iter(np.array_split(images.astype(np.float32)[:, None] / 255, 20))

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next batch, None at the end."""
        batch = next(self.batches, None)
        return None if batch is None else {"face": batch}


def quantise(fp32: Path, out: Path, calibration: np.ndarray, form: QuantFormat) -> None:
    """Int8 per channel for the convolutions and the head; the normalisation of the input stays in float."""
    ready = out.with_suffix(".ready.onnx")
    quant_pre_process(str(fp32), str(ready), skip_symbolic_shape=True)
    kinds = ["Conv", "Relu", "Add", "ReduceMean", "Gemm"] if form is QuantFormat.QDQ else ["Conv", "Add"]
    quantize_static(
        str(ready), str(out), Slice(calibration), quant_format=form, per_channel=True,
        op_types_to_quantize=kinds, nodes_to_exclude=float_nodes(ready),
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
    ready.unlink()
    strip(out)


def float_nodes(path: Path) -> list[str]:
    """Everything before the first convolution."""
    nodes = list(onnx.load(path).graph.node)
    first = next(i for i, n in enumerate(nodes) if n.op_type == "Conv")
    return [n.name for n in nodes[:first]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared = ROOT.parent / "shared"
    parser.add_argument("--data", type=Path, default=shared / "data/emotion/ferplus48_train_valid.npz")
    parser.add_argument("--anchor", type=Path, default=shared / "anchors/vicksam_ferplus_pd.onnx")
    parser.add_argument("--work", type=Path, default=ROOT.parent / "tmp/emotion")
    parser.add_argument("--out", type=Path, default=ROOT / "models/emotion.onnx")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(7)
    options.work.mkdir(parents=True, exist_ok=True)
    data = load(options.data, options.work / "decoded.npz")
    pool = np.random.default_rng(7).permutation(np.flatnonzero(data["usable"] & ~data["valid"]))
    held, rows = pool[:HELD_BACK], pool[HELD_BACK:]
    images, target = torch.from_numpy(data["images"]), torch.from_numpy(data["target"])
    certain = held[data["label"][held] >= 0]
    watch = (images[certain], torch.from_numpy(data["label"].astype(np.int64))[certain])
    net = fit(images[rows], target[rows], options.work, options.epochs, watch)
    temperature = fit_temperature(net, *watch)
    fp32 = options.work / "emotion_fp32.onnx"
    export(Probabilities(net).eval(), {"face": torch.rand(2, 1, 48, 48)}, ["p"], fp32)
    for name, form in (("qdq", QuantFormat.QDQ), ("qop", QuantFormat.QOperator)):
        quantise(fp32, options.work / f"{name}.onnx", data["images"][rows[:1000]], form)
    result = {"temperature": temperature, "epochs": options.epochs, **measure(data, options.work, options.anchor)}
    best = min(("qdq", "qop"), key=lambda n: result[n]["ms"] - 20 * result[n]["accuracy"])  # 1 % is worth 0.2 ms
    options.out.write_bytes((options.work / f"{best}.onnx").read_bytes())
    (options.work / "figures.json").write_text(json.dumps({"chosen": best, **result}, indent=1))
    print(json.dumps({"chosen": best, **result}, indent=1))


if __name__ == "__main__":
    main()
