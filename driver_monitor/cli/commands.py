"""The command line. It reads arguments, calls one function a verb, and turns faults into one line and an exit code."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn, Optional

import typer
import yaml
from rich.console import Console

from driver_monitor import __version__
from driver_monitor.errors import DriverMonitorError
from driver_monitor.outputs import journal

TABLE_COLUMNS = 120
"""Width of tables that go to a file or a pipe."""

app = typer.Typer(
    name="driver-monitor",
    help="Watches a driver through a camera and warns of drowsiness and distraction. Advisory: the driver drives.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="Check, show and describe the configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")
score_app = typer.Typer(help="Measure against hand labels, with 95 % intervals.", no_args_is_help=True)
app.add_typer(score_app, name="score")

ConfigOption = Annotated[
    Optional[Path],  # noqa: UP045 - typer evaluates annotations, and on Python 3.10 it wants it so
    typer.Option("--config", "-c", help="Configuration file (default: the one that comes with the program)."),
]
ProfileOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="Rule profile: a shipped one's name or a file, instead of the configuration's."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]


def main() -> None:
    """Run the command line; the console script `driver-monitor`."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    # Names of files may hold what the terminal cannot show; that must not end a replay of a thousand clips.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        app()
    except DriverMonitorError as error:
        journal.flush()  # what led to it stands before it
        print(error, file=sys.stderr)
        _end(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:
        _end(0)  # Whoever read our output has left (`inspect ... | head`): there is nobody to tell.
    except OSError as error:
        print(
            f"{error.filename or 'the output'}: {error.strerror or error}; check disk and permissions", file=sys.stderr
        )
        _end(1)


def _end(code: int) -> NoReturn:
    try:
        sys.stdout.flush()
    except OSError:
        # What is still buffered would fail again, with a traceback, when Python itself ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def wide_console() -> Console:
    """Return a console that does not cut tables short where there is no terminal to fit into."""
    console = Console()
    return console if console.is_terminal else Console(width=TABLE_COLUMNS)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"driver-monitor {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """Watches a driver through a camera and warns of drowsiness and distraction. Advisory: the driver drives."""


@app.command()
def run(
    config: ConfigOption = None,
    source: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Camera number or device, clip, folder of images, URL, or demo."),
    ] = None,
    profile: ProfileOption = None,
    trace: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Write what is seen, without pictures, to this new file (NAME.trace.jsonl.gz)."),
    ] = None,
) -> None:
    """Run the daemon: watch the camera, warn, publish."""
    from driver_monitor.app import run as live
    from driver_monitor.app.build import Request

    live.run(Request(config, source, profile), trace)


@app.command()
def replay(
    clips: Annotated[list[Path], typer.Argument(help="Clips, folders of images, or traces.")],
    config: ConfigOption = None,
    out: Annotated[Path, typer.Option(help="Folder for the results; each clip gets its own in it.")] = Path("replay"),
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Clips at a time.")] = 1,
    profile: ProfileOption = None,
    every: Annotated[int, typer.Option(min=1, max=1000, help="Use each Nth frame only.")] = 1,
    fps: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0.1, max=1000, help="Frames a second of a folder of images."),
    ] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="Also write what was seen, without pictures: it can be replayed itself.")
    ] = False,
) -> None:
    """Run recorded clips or traces through the same pipeline, as fast as it goes: signals.jsonl and events.jsonl."""
    from driver_monitor.app.build import Request, load_plan
    from driver_monitor.bench import replay_many
    from driver_monitor.bench.replay import jobs_of

    work = jobs_of(clips, out, every, fps, trace)
    failed = replay_many.replay_all(work, load_plan(Request(config, None, profile)), jobs, Console())
    if failed:
        raise typer.Exit(1)


@app.command()
def inspect(
    images: Annotated[list[Path], typer.Argument(help="Pictures.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show what is seen in single pictures, each on its own."""
    from driver_monitor.app.build import Request, load_models, load_plan
    from driver_monitor.bench.inspect import inspect as look
    from driver_monitor.bench.inspect import sentence

    plan = load_plan(Request(config))
    failed = False
    for seen in look(images, plan, load_models(plan.config)):
        failed = failed or "error" in seen
        if as_json:
            print(json.dumps(seen, ensure_ascii=False, allow_nan=False), flush=True)
        elif "error" in seen:
            print(seen["error"], file=sys.stderr)
        else:
            print(sentence(seen), flush=True)
    if failed:
        raise typer.Exit(1)


@app.command()
def watch(
    connect: Annotated[str, typer.Option(help="Where the daemon publishes (zmq.bind).")] = "tcp://127.0.0.1:5556",
) -> None:
    """Print a running daemon's alerts, state and status, live."""
    from driver_monitor.cli.watch import watch as follow

    follow(connect, Console())


@score_app.command("clips")
def score_clips(
    folder: Annotated[Path, typer.Argument(help="Folder of clips.")],
    labels: Annotated[Path, typer.Option(help="Folder of their labels, a .json file a clip.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Clips at a time.")] = 1,
    every: Annotated[int, typer.Option(min=1, max=1000, help="Use each Nth frame only.")] = 1,
) -> None:
    """Replay clips against hand labels: closed eyes, face, looks away, yawns and alerts. Writes no files."""
    from driver_monitor.app.build import (
        Request,
        load_models,
        load_plan,
        provenance,
    )
    from driver_monitor.bench.score import summary, table
    from driver_monitor.bench.score.clips import jobs_of, report, score_all

    plan = load_plan(Request(config, None, profile))
    # Loaded here too: a wrong model is one fault, not one a clip.
    origin = provenance(plan, load_models(plan.config))
    pairs, faults = jobs_of(folder, labels, every)
    outcomes = list(score_all(pairs, plan, jobs, Console(stderr=True)))
    faults += [outcome.error for outcome in outcomes if outcome.error is not None]
    scores = sorted((outcome.result for outcome in outcomes if outcome.result is not None), key=lambda one: one.clip)
    for fault in faults:
        print(fault, file=sys.stderr)
    if as_json:
        print(json.dumps(report(scores, faults, origin, every), ensure_ascii=False, allow_nan=False))
    elif scores:
        table.show(scores, summary.pool(scores), wide_console())
    if faults:
        raise typer.Exit(1)


@score_app.command("eyes")
def score_eyes(
    file: Annotated[Path, typer.Argument(help=".npz: images uint8 (N, H, W), closed uint8 (N,).")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure the eye net alone on labelled eyes: loose crops, or rectified patches of 32 by 48 pixels."""
    from driver_monitor.app.build import Request, load_models, load_plan
    from driver_monitor.bench.score.nets import eyes as scoring

    net = load_models(load_plan(Request(config)).config).eyes
    score = scoring.score_eyes(*scoring.load_eyes(file), net)
    if as_json:
        print(json.dumps(scoring.to_json(file, score, net.sha256), ensure_ascii=False, allow_nan=False))
    else:
        print(scoring.sentences(file, score))


@score_app.command("emotion")
def score_emotion(
    file: Annotated[Path, typer.Argument(help=".npz: images uint8 (N, H, W), label int (N,), -1 left out.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure the expression net alone on labelled faces, loosely cropped; labels in the order of FER+."""
    from driver_monitor.app.build import Request, load_expression_net, load_plan
    from driver_monitor.bench.score.nets import expression as scoring

    net = load_expression_net(load_plan(Request(config)).config)
    images, label = scoring.load_faces(file)
    score = scoring.score_emotion(scoring.classify(images, net), label)
    if as_json:
        print(json.dumps(scoring.to_json(file, score, net.sha256), ensure_ascii=False, allow_nan=False))
    else:
        print(scoring.sentences(file, score))


@app.command()
def explain(
    events: Annotated[Path, typer.Argument(help="The events.jsonl of a replay.")],
    wanted: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--id", help="Only the alert or episode whose id begins so."),
    ] = None,
) -> None:
    """Say in plain words why there were alerts: what was measured, what the limit is, whose rule it is."""
    from driver_monitor.bench.explain import explain as story

    print(story(events, wanted))


@app.command("spot-check")
def spot_check(
    profile: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Rule profile: a shipped one's name or a file (default: eu_addw)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Play the spot check of EU 2023/2590 and attentive driving on synthetic gaze; exit code 1 if an alert is wrong."""
    from driver_monitor.bench import spot_check as checking

    result = checking.spot_check(profile)
    print(json.dumps(result, ensure_ascii=False) if as_json else checking.sentences(result))
    if not result["good"]:
        raise typer.Exit(1)


@config_app.command("check")
def config_check(
    file: Annotated[Optional[Path], typer.Argument(help="Configuration file.")] = None,  # noqa: UP045
    profile: ProfileOption = None,
) -> None:
    """Check a configuration and its profile; faults are told with file, line, key and reason."""
    from driver_monitor.app.build import Request, load_plan

    plan = load_plan(Request(file, None, profile))
    print(f"{file or 'the default configuration'}: good; profile {plan.profile.name}: {len(plan.profile.rules)} rules")
    if plan.profile.workplace:
        kept = (
            "expressions are read, and stay on this machine" if plan.config.emotion.enabled else "no expression is read"
        )
        print(f"a workplace: {kept} (emotion.safety_purpose: {plan.config.emotion.safety_purpose or 'none named'})")


@config_app.command("dump")
def config_dump(
    file: Annotated[Optional[Path], typer.Argument(help="Configuration file.")] = None,  # noqa: UP045
) -> None:
    """Show every value in force, as YAML."""
    from driver_monitor.app.build import Request, load_plan

    values = load_plan(Request(file)).config.model_dump(mode="json")
    print(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), end="")


@config_app.command("schema")
def config_schema(
    of_profile: Annotated[bool, typer.Option("--profile", help="Of a rule profile instead.")] = False,
) -> None:
    """Print the JSON Schema of the configuration, for editors that check as one types."""
    from driver_monitor.config.schema import Config
    from driver_monitor.rules.profile import Profile

    model = Profile if of_profile else Config
    print(json.dumps(model.model_json_schema(), indent=2, ensure_ascii=False))
