"""Train the eye net: the shipped one on the data in `../shared`, or your own on your own labelled clips.

    python -m tools.eyes.train --shared ../shared
    python -m tools.eyes.train --own DIR --start models/eyes.onnx

With `--own` a given net goes on learning from your labels, in a minute or two on a CPU (docs/your_own_data.md). It
writes a whole folder of models with a model card. `tools.eyes.courses` tells how the shipped net is trained. Needs the
extra `train`.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from tools import ROOT, SHARED
from tools.own.ending import one_line_faults


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or ""), formatter_class=argparse.RawDescriptionHelpFormatter, prog="tools.eyes.train"
    )
    parser.add_argument("--own", type=Path, metavar="DIR", help="folder with your clips; without it: the shipped net")
    parser.add_argument("--labels", type=Path, help="folder with their labels (DIR/labels if it exists, else DIR)")
    parser.add_argument("--start", type=Path, default=ROOT / "models/eyes.onnx", help="the net that goes on learning")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with data/ and anchors/")
    parser.add_argument("--work", type=Path, help="folder for what is kept between two runs")
    parser.add_argument("--folds", type=Path, default=ROOT.parent / "tmp/folds", help="folder of the nets of the folds")
    parser.add_argument("--out", type=Path, help="file to write; with --own a new folder of models")
    parser.add_argument("--steps", type=int, nargs=3, help="of the base, the first and the second course")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    with one_line_faults():
        (_shipped if options.own is None else _own)(options)


def _shipped(options: argparse.Namespace) -> None:
    from tools.eyes.courses import STEPS, train_shipped

    work, out = options.work or ROOT.parent / "tmp/eyes", options.out or ROOT / "training/eyes.onnx"
    train_shipped(options.shared, work, options.folds, out, tuple(options.steps or STEPS), options.threads)


def _own(options: argparse.Namespace) -> None:
    import torch

    from tools.eyes.own.command import Request, labels_folder, run
    from tools.eyes.own.crops import FOLDER

    torch.set_num_threads(options.threads)
    own = options.own
    run(
        Request(
            own,
            labels_folder(own, options.labels),
            options.start,
            options.out or ROOT / "training/own-models",
            options.work or own / FOLDER,
            options.shared,
            shlex.join(["python", "-m", "tools.eyes.train", *sys.argv[1:]]),
        ),
        lambda line: print(line, file=sys.stderr, flush=True),
    )


if __name__ == "__main__":
    main()
