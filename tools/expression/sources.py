"""Leave one source of faces out and measure the expression net on it. Prints the figures of models/emotion.md.

    python -m tools.expression.sources --shared ../shared [--model emotion.onnx] [--epochs 8]

There are three sources: FER+ (the web), portraits (news, weak labels) and near-infrared stills (acted). The shipped net
has learned from FER+ alone, so the other two are left out as it is. To leave FER+ out, a net of the same form is
trained here on the other two. That is only a comparison: these have few unpleasant faces. `--epochs 0` skips it.
Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from driver_monitor.bench.score.nets.expression import is_answered
from driver_monitor.capture.recordings.images import read_image
from driver_monitor.config import resources
from driver_monitor.data.observation import EXPRESSIONS
from driver_monitor.imaging.frame import to_grey
from tools import SHARED
from tools.expression.data import load
from tools.expression.distil import shifted
from tools.expression.measure import Net
from tools.expression.nets import Mirrored
from tools.expression.nets import Net as Form
from tools.expression.stills import cut_out, rows_of
from tools.training.nets import rate

FEWEST = 8
"""Classes with fewer faces get no figure. In the portraits these are disgust (its labels are wrong), fear, contempt."""
BATCH, PEAK, SMOOTH = 64, 2e-3, 0.1
"""For the net without FER+. `SMOOTH`: label smoothing. The labels of the portraits are weak."""


@dataclass
class Source:
    """`images` (N, 48, 48) uint8, `label` (N,), in the order of `EXPRESSIONS`."""

    images: NDArray[np.uint8]
    label: NDArray[np.int64]

    def usual(self) -> Source:
        """Return the faces of the classes with `FEWEST` faces or more."""
        kept = np.bincount(self.label, minlength=len(EXPRESSIONS))[self.label] >= FEWEST
        return Source(self.images[kept], self.label[kept])


def portraits(data: Path) -> Source:
    """Return the portraits. They are cropped already: whole, at 48 pixels."""
    rows = [row for row in rows_of(data / "portraits", data / "portraits.csv") if row["expression"] in EXPRESSIONS]
    greys = [to_grey(read_image(data / "portraits" / row["file"])) for row in rows]
    images = np.stack([cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA) for grey in greys])
    return Source(np.asarray(images, np.uint8), _labels([row["expression"] for row in rows])).usual()


def infrared(data: Path) -> Source:
    """Return the near-infrared stills, cut out as in the daemon."""
    stills = list(cut_out(rows_of(data / "nir", data / "nir/labels.csv"), data / "nir"))
    return Source(np.stack([one.crop for one in stills]), _labels([one.row["expression"] for one in stills])).usual()


def _labels(names: list[str]) -> NDArray[np.int64]:
    return np.array([EXPRESSIONS.index(name) for name in names], np.int64)


def report(name: str, p: NDArray[np.float64], label: NDArray[np.int64]) -> None:
    """Print accuracy, mean recall, the answers by the daemon's rules by day, and recall and precision by class."""
    top, sure = p.argmax(1), is_answered(p)
    classes = [i for i in range(len(EXPRESSIONS)) if (label == i).sum() >= FEWEST]
    recall = {i: float((top[label == i] == i).mean()) for i in classes}
    right = float((top[sure] == label[sure]).mean()) if sure.any() else float("nan")
    print(
        f"{name}: {len(label)} faces, accuracy {(top == label).mean():.3f}, mean recall"
        f" {np.mean(list(recall.values())):.3f}, answered {sure.mean():.3f}, right of these {right:.3f}"
    )
    for i in classes:
        told, answered = top == i, sure & (top == i)
        print(
            f"  {EXPRESSIONS[i]:<10}{(label == i).sum():5} faces, recall {recall[i]:.2f},"
            f" precision {_share(label[told] == i)}; answered: precision {_share(label[answered] == i)}"
        )
    unpleasant = label >= EXPRESSIONS.index("sadness")
    neutral = sure & (top == 0)
    print(f"  unpleasant called neutral: {_share(top[unpleasant] == 0)}, answered so {_share(neutral[unpleasant])}")


def _share(hits: NDArray[np.bool_]) -> str:
    return f"{hits.sum()}/{len(hits)} ({hits.mean():.2f})" if len(hits) else "0/0"


def trained(faces: Source, epochs: int) -> Mirrored:
    """Return a net that has learned from `faces`. Each class is drawn equally often."""
    torch.manual_seed(1)
    net = Mirrored(Form())
    optimizer = torch.optim.AdamW(net.parameters(), lr=PEAK, weight_decay=0.05)
    images, label = torch.from_numpy(faces.images), torch.from_numpy(faces.label)
    weight = (1 / torch.bincount(label, minlength=len(EXPRESSIONS)).clamp(min=1).sqrt())[label]
    dice, steps = torch.Generator().manual_seed(1), len(label) // BATCH
    for step in range(epochs * steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step / steps, [(epochs, PEAK)], 0.1)
        rows = torch.multinomial(weight, BATCH, generator=dice)
        x = shifted(images[rows].float() / 255, dice)
        optimizer.zero_grad()
        functional.cross_entropy(net.net(x), label[rows], label_smoothing=SMOOTH).backward()
        optimizer.step()
    net.eval()
    return net


@torch.no_grad()
def answers(net: Mirrored, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the probabilities (N, 8)."""
    parts = torch.from_numpy(images).unsqueeze(1).split(200)
    return np.asarray(torch.cat([torch.softmax(net(some.float() / 255), 1) for some in parts]).numpy(), np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--model", type=Path, default=resources.path("models/emotion.onnx"))
    parser.add_argument("--epochs", type=int, default=8, help="of the net that learns without FER+")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data, net = options.shared / "data", Net(options.model)
    with tempfile.TemporaryDirectory() as folder:
        split = load(data / "emotion/ferplus48_train_valid.npz", Path(folder) / "decoded.npy")
    web, news, dark = Source(split.valid.images, split.valid.label), portraits(data), infrared(data)
    report("FER+ validation (learned from FER+ training)", net(web.images), web.label)
    report("portraits, left out", net(news.images), news.label)
    report("near-infrared, left out", net(dark.images), dark.label)
    if options.epochs:
        rest = Source(np.concatenate([news.images, dark.images]), np.concatenate([news.label, dark.label]))
        report("FER+ validation, left out", answers(trained(rest, options.epochs), web.images), web.label)


if __name__ == "__main__":
    main()
