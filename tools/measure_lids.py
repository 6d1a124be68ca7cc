"""Measures the eye aspect ratio of open and of closed eyes as our landmark net places the lids: `eyes/lids.py`.

    python tools/measure_lids.py ../shared/data/incar_stills ../shared/data/nir

Each folder holds pictures and a labels.csv with `file`, `person` and `eyes`. Counted are the eyes that are read (not
hidden, not turned away), each for itself; 10 to 90 % lies between the quantiles told.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from driver_monitor import resources
from driver_monitor.eyes.eye_net import EyeNet
from driver_monitor.eyes.lids import LEFT_EYE, RIGHT_EYE, eye_aspect_ratio
from driver_monitor.eyes.reader import EyeReader
from driver_monitor.face.detector import HogDetector
from driver_monitor.face.landmarks import LandmarkNet
from driver_monitor.face.tracker import FaceTracker


def ratios(path: Path, net: LandmarkNet, eyes: EyeReader) -> list[float] | None:
    """Return the aspect ratios of the eyes that are read in a picture, None where no face is found."""
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert grey is not None, path
    image = np.asarray(grey, np.uint8)
    face = FaceTracker(HogDetector(), net, search_hz=10.0).update(image, 0.0)
    if face is None:
        return None
    seen = eyes.read(image, face, "day")
    found = [
        eye_aspect_ratio(face.points, eye)
        for view, eye in ((seen.left, LEFT_EYE), (seen.right, RIGHT_EYE))
        if view.reason is None
    ]
    return [ratio for ratio in found if ratio is not None]


def main() -> None:
    """Measure."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folders", nargs="+", type=Path)
    net = LandmarkNet(resources.path("models/landmarks.onnx"), 1)
    eyes = EyeReader(EyeNet(resources.path("models/eyes.onnx"), 1))
    for folder in arguments.parse_args().folders:
        measured: defaultdict[str, list[float]] = defaultdict(list)
        pictures: defaultdict[str, int] = defaultdict(int)
        persons: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        with (folder / "labels.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                found = ratios(folder / row["file"], net, eyes)
                if found:
                    label = row["eyes"]
                    measured[label] += found
                    pictures[label] += 1
                    persons[label][row["person"]] += found
        for label, values in sorted(measured.items()):
            low, median, high = np.quantile(values, (0.1, 0.5, 0.9))
            of_persons = np.median([np.median(own) for own in persons[label].values()])
            print(
                f"{folder.name:14} {label:10} {pictures[label]:4} pictures of {len(persons[label]):3} persons: EAR "
                f"median {median:.3f} ({low:.3f} to {high:.3f}), median of the persons' medians {of_persons:.3f}"
            )


if __name__ == "__main__":
    main()
