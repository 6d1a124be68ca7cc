"""Train the expression net: the shipped one on FER+, or calibrate it on your own pictures.

    python -m tools.expression.teach --seed 1; python -m tools.expression.teach --seed 2
    python -m tools.expression.train
    python -m tools.expression.quantise

    python -m tools.expression.train --own DIR --start models/emotion.onnx

With `--own` the net learns how sure it may be on your camera (docs/your_own_data.md). It writes a whole folder of
models with a model card. `tools.expression.distil` tells how the shipped net is trained. Needs the extra `train`.
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
        description=(__doc__ or ""), formatter_class=argparse.RawDescriptionHelpFormatter, prog="tools.expression.train"
    )
    parser.add_argument("--own", type=Path, metavar="DIR", help="your pictures: DIR/PERSON/EXPRESSION/*.jpg or .png")
    parser.add_argument("--start", type=Path, default=ROOT / "models/emotion.onnx", help="the net to calibrate")
    parser.add_argument("--out", type=Path, default=ROOT / "training/own-expressions", help="new folder of models")
    parser.add_argument("--data", type=Path, default=SHARED / "data/emotion/ferplus48_train_valid.npz")
    parser.add_argument("--work", type=Path, default=ROOT / "training/emotion")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with one_line_faults():
        (_shipped if options.own is None else _own)(options)


def _shipped(options: argparse.Namespace) -> None:
    from tools.expression.distil import COURSES, train_shipped

    train_shipped(options.data, options.work, options.epochs or COURSES[-1][0], options.threads)


def _own(options: argparse.Namespace) -> None:
    from tools.expression.own.command import run

    command = shlex.join(["python", "-m", "tools.expression.train", *sys.argv[1:]])
    run(options.own, options.start, options.out, command, lambda line: print(line, file=sys.stderr, flush=True))


if __name__ == "__main__":
    main()
