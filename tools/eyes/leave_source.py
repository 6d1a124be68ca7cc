"""Train one eye net that has never seen a source of hand labels, to measure it on that source.

    python -m tools.eyes.leave_source incar --shared ../shared --work ../tmp/eyes --out ../tmp/without_incar
    python -m tools.eyes.stills --shared ../shared --all-by ../tmp/without_incar

A net that does well on people left out may still fail on another camera. The training is short, so compare the figures
with those of the mesh beside them, not with those of the shipped net. It begins with the base net of `tools.eyes.train`
and uses no labels of a teacher. `--out` needs the other models beside it: they are copied from `models/`.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import torch

from driver_monitor.config import resources
from tools import ROOT, SHARED, manifest
from tools.eyes.courses import PEAK_LR, SHARES, STEPS, Course, Samples, Training, base_of, run
from tools.eyes.data import collect, places, scenery
from tools.eyes.net import Answers, example
from tools.training.onnx_file import export
from tools.training.people import CLIP_PERSONS

SOURCES = {"incar": ("incar", "p"), "web": ("web", "closeup", "wild", "w")}
"""The sources that each name leaves out, and the first letter of the persons whose eyes or face composites use."""


def kept(data: dict[str, np.ndarray], without: str) -> np.ndarray:
    """Return which samples the net may learn from, (n,)."""
    *sources, letter = SOURCES[without]
    of_source = np.isin(data["source"], sources)
    mixed = np.char.startswith(data["person"], letter) | np.char.startswith(data["other"], letter)
    of_clip = np.isin(data["person"], sorted(CLIP_PERSONS)) | np.isin(data["other"], sorted(CLIP_PERSONS))
    return np.asarray(~(of_source | mixed | of_clip))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("without", choices=SOURCES)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--work", type=Path, default=ROOT.parent / "tmp/eyes", help="the folder of the training")
    parser.add_argument("--folds", type=Path, default=ROOT.parent / "tmp/folds", help="folder of the nets of the folds")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--base-steps", type=int, default=STEPS[0])
    parser.add_argument("--steps", type=int, default=700)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = collect(options.shared, options.folds, options.work / "strips.npz")
    folder = options.shared / "data"
    samples = Samples(data, scenery(folder / "incar_stills"), places(folder))
    may = kept(data, options.without)
    samples.allowed = torch.from_numpy(may).unsqueeze(0)
    samples.soft = samples.soft[:, :, :1]
    training = Training([base_of(samples, options.work, options.base_steps)])
    shutil.copytree(resources.path("models"), options.out, dirs_exist_ok=True)
    course = Course(options.out / "checkpoint.pt", options.steps, PEAK_LR)
    run(training, samples, samples.weights(SHARES, may), course, options.steps)
    net = training.means[0].eval()
    export(Answers(net).eval(), example(), ["p", "aspect", "sunglasses"], options.out / "eyes.onnx")
    manifest.write(options.out)


if __name__ == "__main__":
    main()
