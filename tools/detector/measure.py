"""Compare our detector with YuNet, in one run. Prints tables and writes them as JSON.

    python -m tools.detector.measure --model models/detector.onnx --json training/detector/figures.json
    python -m tools.detector.measure --folds ../tmp/folds ...   stills: by nets that do not know the person

Both get the same picture of 320 pixels on the longer side. Both keep boxes by the same rule: all with a score of at
least 0.5, or else the best one if its score is at least 0.3. A face is found when a box overlaps the true box by 0.4
(intersection over union).
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.config import resources
from driver_monitor.perception.face.detectors.hog import FaceDetector, HogDetector
from driver_monitor.perception.face.detectors.net_detector import (
    FAINT,
    LONG_SIDE,
    NetDetector,
    overlaps,
    proposed,
)
from driver_monitor.perception.face.landmarks import LandmarkNet
from driver_monitor.perception.face.tracker import FaceTracker
from tools.detector.stress import STRESSES, Grey
from tools.training.people import CLIP_PERSONS, folds, is_held_out
from tools.training.pictures import read_grey

FOUND = 0.4
Boxes = NDArray[np.float32]
Find = Callable[[Grey], Boxes]


class Yunet:
    """YuNet as OpenCV runs it. Boxes (N, 5) with the score; the highest score comes first."""

    def __init__(self, file: Path, clahe: bool = False) -> None:
        self._net = cv2.FaceDetectorYN.create(str(file), "", (320, 320), FAINT)
        self._clahe = cv2.createCLAHE(3.0, (8, 8)) if clahe else None

    def __call__(self, grey: Grey) -> Boxes:
        """Return the faces of `grey`."""
        image = grey if self._clahe is None else self._clahe.apply(grey)
        self._net.setInputSize((grey.shape[1], grey.shape[0]))
        _, rows = self._net.detect(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
        if rows is None:
            return np.zeros((0, 5), np.float32)
        return proposed(np.asarray(rows[np.argsort(-rows[:, 14])][:, [0, 1, 2, 3, 14]], np.float32))


def small(grey: Grey) -> Grey:
    scale = LONG_SIDE / max(grey.shape)
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def hit(truth: NDArray[np.floating], boxes: Boxes) -> bool:
    return len(boxes) > 0 and float(overlaps(np.asarray(truth, np.float32), boxes).max()) >= FOUND


class Nets:
    """The nets to measure: one for everybody, or also one for each fold."""

    def __init__(self, model: Path, by_fold: Path | None) -> None:
        self.one = NetDetector(model)
        self._folds = [NetDetector(by_fold / str(k) / "detector.onnx") for k in range(5)] if by_fold else None

    def of(self, fold: int) -> NetDetector:
        """Return the net that has not learned from `fold`."""
        return self.one if self._folds is None else self._folds[fold]


def ours(net: NetDetector) -> Find:
    """Return a function that gives the boxes of `net` with their scores."""
    return lambda grey: proposed(net.rows(grey))[:, :5]


def stress_table(data: Path, nets: Nets, yunets: dict[str, Find], at: int) -> dict[str, dict[str, float]]:
    """Return the recall in each row on the near-infrared stills. Pictures are changed at a width of `at` pixels."""
    hits: dict[str, dict[str, list[bool]]] = {row: {} for row in STRESSES}
    extra: dict[str, int] = {}
    with (data / "nir" / "labels.csv").open(newline="") as lines:
        stills = [(data / "nir" / row["file"], int(row["person"]) % 5) for row in csv.DictReader(lines)]
    for number, (path, fold) in enumerate(stills):
        net, grey = nets.of(fold), read_grey(path)
        scale = at / grey.shape[1]
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        clean, back = small(grey), max(grey.shape) / LONG_SIDE
        truth, own = yunets["yunet"](clean)[0, :4] * back, net.rows(clean)[:1, :4] * back
        finders: dict[str, Find] = {"ours": ours(net), **yunets}
        for name, find in finders.items():
            extra[name] = extra.get(name, 0) + max(0, len(find(clean)) - 1)
        for row, change in STRESSES.items():
            changed, box = change(grey, truth.astype(np.float64), np.random.default_rng(number))
            shrunk = small(changed)
            for name, find in finders.items():
                hits[row].setdefault(name, []).append(hit(box / back, find(shrunk)))
            own_box = change(grey, own[0].astype(np.float64), np.random.default_rng(number)) if len(own) else None
            found = own_box is not None and hit(own_box[1] / back, ours(net)(small(own_box[0])))
            hits[row].setdefault("ours, own truth", []).append(found)
    table = {row: {name: float(np.mean(found)) for name, found in names.items()} for row, names in hits.items()}
    table["extra boxes on the clean stills"] = {name: float(count) for name, count in extra.items()}
    return table


def incar(data: Path, nets: Nets, yunets: dict[str, Find]) -> dict[str, dict[str, float]]:
    """Return the recall of labelled boxes, the extra boxes and the share the tracker accepts (HOG: every eighth)."""
    place, hog = folds(data / "incar_stills"), HogDetector()
    landmarks = LandmarkNet(resources.path("models") / "landmarks.onnx")
    sums: dict[str, dict[str, list[float]]] = {}

    def note(name: str, what: str, value: float) -> None:
        sums.setdefault(name, {}).setdefault(what, []).append(value)

    with (data / "incar_stills" / "labels.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    for number, row in enumerate(rows):
        grey = read_grey(data / "incar_stills" / row["file"])
        truth = np.array([float(row[k]) for k in "xywh"], np.float32) * (LONG_SIDE / max(grey.shape))
        net, tiny = nets.of(place[row["person"]]), small(grey)
        for name, find in {"ours": ours(net), **yunets}.items():
            boxes = find(tiny)
            note(name, "found", hit(truth, boxes))
            note(name, "found first", hit(truth, boxes[:1]))
            note(name, "extra boxes", max(0, len(boxes) - 1))
            if row["person"] in CLIP_PERSONS:
                note(name, "found, clip persons", hit(truth, boxes))
        detectors: dict[str, FaceDetector] = {"ours": net, "hog": hog} if number % 8 == 0 else {"ours": net}
        for name, detector in detectors.items():
            taken = FaceTracker(detector, landmarks, 10.0).update(grey, 0.0)
            note(name, "taken by the tracker", taken is not None)
    return {name: {what: float(np.mean(v)) for what, v in columns.items()} for name, columns in sums.items()}


def portraits(data: Path, nets: Nets, yunets: dict[str, Find]) -> dict[str, dict[str, float]]:
    """Return the recall of YuNet's boxes on portraits of held-out people.

    A portrait is pasted on grey and fills a third of the picture.
    """
    hits: dict[str, list[bool]] = {}
    for path in sorted((data / "portraits").glob("*.jpg")):
        if not is_held_out(path.stem.rsplit("_", 1)[0]):
            continue
        canvas = np.full((240, 320), 110, np.uint8)
        canvas[40:190, 60:210] = cv2.resize(read_grey(path), (150, 150), interpolation=cv2.INTER_AREA)
        truth = yunets["yunet"](canvas)
        if len(truth):
            for name, find in {"ours": ours(nets.one), **yunets}.items():
                hits.setdefault(name, []).append(hit(truth[0], find(canvas)))
    return {name: {"found": float(np.mean(v)), "portraits": len(v)} for name, v in hits.items()}


def backgrounds(data: Path, nets: Nets, yunets: dict[str, Find]) -> dict[str, dict[str, float]]:
    """Return the mean number of boxes on pictures without a face: the cabin beside the head, flat pictures, noise."""
    place, counts = folds(data / "incar_stills"), dict[str, dict[str, list[int]]]()
    rng = np.random.default_rng(0)
    with (data / "incar_stills" / "labels.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows[::3]:
        grey = read_grey(data / "incar_stills" / row["file"])
        x, w = float(row["x"]), float(row["w"])
        left, right = grey[:, : max(0, int(x - 0.4 * w))], grey[:, int(x + 1.4 * w) :]
        part = left if left.shape[1] > right.shape[1] else right
        pictures = {"cabin beside the head": small(part)} if part.shape[1] > 120 else {}
        noise = rng.normal(rng.uniform(0, 255), rng.uniform(0, 50), (240, 320))
        pictures["flat, noise"] = np.clip(noise, 0, 255).astype(np.uint8)
        for kind, picture in pictures.items():
            for name, find in {"ours": ours(nets.of(place[row["person"]])), **yunets}.items():
                counts.setdefault(name, {}).setdefault(kind, []).append(len(find(picture)))
    return {
        name: {f"{kind} ({len(v)} pictures)": float(np.mean(v)) for kind, v in kinds.items()}
        for name, kinds in counts.items()
    }


def timing(data: Path, nets: Nets, yunet: Find) -> dict[str, dict[str, float]]:
    """Return the median CPU milliseconds for one picture. The two take turns.

    Ours includes everything around the net, YuNet's the conversion from grey to colour. CPU time, because other work on
    the machine must not count.
    """
    out = {}
    for name, folder in (("320x180", "nir"), ("320x240", "incar_stills")):
        picture = small(read_grey(min((data / folder).glob("*.jpg"))))
        spent: dict[str, list[float]] = {"ours": [], "yunet": []}
        for _ in range(100):
            for who, find in (("ours", nets.one.find), ("yunet", yunet)):
                begin = time.process_time()
                find(picture)
                spent[who].append((time.process_time() - begin) * 1e3)
        ms = {who: float(np.median(v)) for who, v in spent.items()}
        out[name] = {**ms, "ratio": ms["ours"] / ms["yunet"]}
    return out


def show(title: str, table: dict[str, dict[str, float]]) -> None:
    columns = list(dict.fromkeys(name for row in table.values() for name in row))
    print(f"\n| {title} | " + " | ".join(columns) + " |\n" + "| --- " * (len(columns) + 1) + "|")
    for row, values in table.items():
        print(f"| {row} | " + " | ".join(f"{values[c]:.3f}" if c in values else "" for c in columns) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--yunet", type=Path, default=Path("../shared/anchors/yunet_2023mar.onnx"))
    parser.add_argument("--model", type=Path, default=Path("models/detector.onnx"))
    parser.add_argument("--folds", type=Path, help="folder of folders 0 to 4, each with a detector.onnx")
    parser.add_argument("--only", nargs="*", default=["stress", "incar", "portraits", "backgrounds", "time"])
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    nets = Nets(arguments.model, arguments.folds)
    yunets: dict[str, Find] = {"yunet": Yunet(arguments.yunet), "yunet, CLAHE": Yunet(arguments.yunet, clahe=True)}
    data, parts = arguments.data, {}
    tables: dict[str, Callable[[], dict[str, dict[str, float]]]] = {
        "time": lambda: timing(data, nets, yunets["yunet"]),
        "stress": lambda: stress_table(data, nets, yunets, 1280),
        "stress at 320 px": lambda: stress_table(data, nets, yunets, 320),
        "incar": lambda: incar(data, nets, yunets),
        "portraits": lambda: portraits(data, nets, yunets),
        "backgrounds": lambda: backgrounds(data, nets, yunets),
    }
    for title, measure in tables.items():
        if title.split()[0] in arguments.only:
            parts[title] = measure()
            show(title, parts[title])
    if arguments.json:
        arguments.json.write_text(json.dumps(parts, indent=1))


if __name__ == "__main__":
    main()
