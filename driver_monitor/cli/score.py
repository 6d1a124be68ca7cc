"""The verbs `score`: compare results with labels."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from driver_monitor.cli.options import (
    TABLE_COLUMNS,
    ConfigOption,
    EveryOption,
    JobsOption,
    JsonOption,
    OptionalPath,
    ProfileOption,
    labels_path,
    print_json,
    recording,
)
from driver_monitor.messages.lines import one_line

score_app = typer.Typer(help="Compare results with labels, with 95 % confidence intervals.", no_args_is_help=True)


@score_app.command("clips")
def score_clips(
    folder: Annotated[Path, typer.Argument(parser=recording, help="Folder with the clips, a clip, or demo.")],
    labels: Annotated[
        OptionalPath,
        typer.Option(
            parser=labels_path, help="Folder with the labels, one .json file for each clip; demo has its own."
        ),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    jobs: JobsOption = 1,
    every: EveryOption = 1,
) -> None:
    """Compare clips with their labels: closed eyes, faces, look-aways, yawns and alerts. Writes no files."""
    from driver_monitor.app.build import Request, load_models, load_plan, provenance
    from driver_monitor.bench.batch.processes import Runner
    from driver_monitor.bench.score import summary, table
    from driver_monitor.bench.score.clip import score_clip
    from driver_monitor.bench.score.clips import jobs_of, labels_of, report

    labels = labels_of(folder, labels)
    plan = load_plan(Request(config, None, profile))
    # Loaded here too, so that a wrong model is one error, not one for each clip.
    origin = provenance(plan, load_models(plan.config).digest)
    pairs, faults = jobs_of(folder, labels, every)
    outcomes = list(Runner(score_clip, plan).run(pairs, jobs, Console(stderr=True)))
    faults += [outcome.error for outcome in outcomes if outcome.error is not None]
    scores = sorted((outcome.result for outcome in outcomes if outcome.result is not None), key=lambda one: one.clip)
    for fault in faults:
        print(one_line(fault), file=sys.stderr)
    if as_json:
        print_json(report(scores, faults, origin, every))
    elif scores:
        console = Console(width=None if Console().is_terminal else TABLE_COLUMNS)
        table.show(scores, summary.pool(scores), console)
    if faults:
        raise typer.Exit(1)


@score_app.command("eyes")
def score_eyes(
    file: Annotated[Path, typer.Argument(help=".npz: images uint8 (N, H, W), closed uint8 (N,).")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure the eye net alone on labelled eyes: loose crops, or rectified patches of height 32 and width 48."""
    from driver_monitor.app.build import Request, load_models, load_plan
    from driver_monitor.bench.score.nets import eyes as scoring

    net = load_models(load_plan(Request(config)).config).eyes
    score = scoring.score_eyes(*scoring.load_eyes(file), net.classify)
    if as_json:
        print_json(scoring.to_json(file, score, net.sha256))
    else:
        print(scoring.sentences(file, score))


@score_app.command("emotion")
def score_emotion(
    file: Annotated[Path, typer.Argument(help=".npz: images uint8 (N, H, W), label int (N,); -1: not used.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure the expression net alone on loosely cropped faces with labels 0 to 7, in the order of FER+."""
    from driver_monitor.app.build import Request, load_expression_net, load_plan
    from driver_monitor.bench.score.nets import expression as scoring

    net = load_expression_net(load_plan(Request(config)).config)
    images, label = scoring.load_faces(file)
    score = scoring.score_emotion(scoring.classify(images, net.probabilities), label)
    if as_json:
        print_json(scoring.to_json(file, score, net.sha256))
    else:
        print(scoring.sentences(file, score))
