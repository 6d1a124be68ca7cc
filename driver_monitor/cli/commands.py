"""The command line with all verbs: one function for each.

Each verb imports what it needs when it is called, so that `--help` and `--version` answer at once.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from driver_monitor import PROGRAM
from driver_monitor.cli import aim as aim_verb
from driver_monitor.cli import cameras as cameras_verb
from driver_monitor.cli import doctor as doctor_verb
from driver_monitor.cli.bench.verbs import VERBS
from driver_monitor.cli.config import config_app
from driver_monitor.cli.curve.keys import keys_app
from driver_monitor.cli.fleet.app import fleet_app
from driver_monitor.cli.options import (
    TABLE_COLUMNS,
    ConfigOption,
    InstalledConfigOption,
    JsonOption,
    OptionalPath,
    OptionalText,
    print_json,
    word,
)
from driver_monitor.cli.program.run import new_app
from driver_monitor.cli.score import score_app
from driver_monitor.cli.sent import verb as sent_verb
from driver_monitor.data.alert import KINDS, LEVELS
from driver_monitor.errors import UsageError
from driver_monitor.messages.lines import one_line

app = new_app()
app.add_typer(config_app, name="config")
app.add_typer(fleet_app, name="fleet")
app.add_typer(keys_app, name="keys")
app.add_typer(score_app, name="score")


@app.command()
def inspect(
    images: Annotated[list[Path], typer.Argument(help="Pictures.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each picture.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show what single pictures contain, each processed alone."""
    from driver_monitor.app.build import Request, load_models, load_plan
    from driver_monitor.bench.inspect import inspect as inspect_images
    from driver_monitor.bench.inspect import sentence

    plan = load_plan(Request(config))
    failed = False
    for result in inspect_images(images, plan, load_models(plan.config)):
        failed = failed or "error" in result
        if as_json:
            print_json(result)
        elif "error" in result:
            print(one_line(result["error"]), file=sys.stderr)
        else:
            print(sentence(result), flush=True)
    if failed:
        raise typer.Exit(1)


@app.command()
def watch(
    connect: Annotated[
        OptionalText, typer.Option(help="Address in zmq.bind (default: those of the service and of `run`).")
    ] = None,
    key: Annotated[
        OptionalPath, typer.Option(help="File of `keys new`, for the encrypted address of another vehicle.")
    ] = None,
    server_key: Annotated[
        OptionalText, typer.Option(help="Public key of that vehicle, or its file, if it is not in the file of --key.")
    ] = None,
) -> None:
    """Print alerts, state and status of a running daemon as they arrive."""
    from driver_monitor.cli.curve.connection import load_keys
    from driver_monitor.cli.watch import watch as watch_daemon

    if (key is not None or server_key is not None) and not (connect or "").startswith("tcp://"):
        raise UsageError(f"{PROGRAM} watch: --key needs --connect tcp://HOST:PORT, the address of the vehicle")
    if key is None and server_key is not None:
        raise UsageError(f"{PROGRAM} watch: --server-key needs --key FILE, the file of this client")
    watch_daemon(connect, Console(), keys=None if key is None else load_keys(key, server_key))


@app.command()
def explain(
    events: Annotated[Path, typer.Argument(help="The events.jsonl of a replay.")],
    wanted: Annotated[
        OptionalText, typer.Option("--id", help="Only alerts or episodes whose id begins with this.")
    ] = None,
) -> None:
    """Explain each alert in plain words: the measured values, the limits and where they come from."""
    from driver_monitor.bench.explain import explain as explain_events

    print(explain_events(events, wanted or ""))


@app.command("spot-check")
def spot_check(
    profile: Annotated[OptionalText, typer.Option(help="Rule profile, name or file (default: eu_addw).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Play the spot check of EU 2023/2590 and attentive driving on synthetic gaze. Exit 1: missed or false alert."""
    from driver_monitor.bench import spot_check as checking

    result = checking.spot_check(profile)
    print(json.dumps(result, ensure_ascii=False) if as_json else checking.sentences(result))
    if not result["good"]:
        raise typer.Exit(1)


@app.command()
def alerts(
    play: Annotated[
        OptionalText, word([*KINDS, "all"], "KIND", f"Play the patterns of {', '.join(KINDS)} or all.")
    ] = None,
    level: Annotated[OptionalText, word(LEVELS, "LEVEL", f"Only those at this level: {', '.join(LEVELS)}.")] = None,
    wav: Annotated[OptionalPath, typer.Option(help="Write the sound to this new WAV file instead.")] = None,
    config: InstalledConfigOption = None,
) -> None:
    """List the patterns of buzzer and LED: what sounds for which kind of alert. Or play them, on a loudspeaker too."""
    from driver_monitor.app.build import Request, load_plan
    from driver_monitor.cli import alerts as patterns
    from driver_monitor.config.lock import installed_config

    if play is None and (level is not None or wav is not None):
        option = "--wav" if level is None else "--level"
        raise UsageError(f"{PROGRAM} alerts: {option} needs --play KIND; see `{PROGRAM} alerts --help`")
    if play is None:
        patterns.show(Console(width=None if Console().is_terminal else TABLE_COLUMNS))
    elif wav is not None:
        patterns.write(patterns.chosen(play, level), wav)
    else:
        patterns.play_configured(patterns.chosen(play, level), load_plan(Request(config or installed_config())).config)


app.command()(aim_verb.aim)
app.command()(cameras_verb.cameras)
app.command()(doctor_verb.doctor)
app.command()(sent_verb.sent)
for verb in VERBS:
    app.command()(verb)
