"""The verbs `config`: check, show and describe the configuration."""

from __future__ import annotations

import json
from typing import Annotated

import typer
import yaml

from driver_monitor.cli.options import ConfigArgument, ProfileOption

config_app = typer.Typer(help="Check, show and describe the configuration.", no_args_is_help=True)


@config_app.command("check")
def config_check(file: ConfigArgument = None, profile: ProfileOption = None) -> None:
    """Check a configuration and its profile. An error shows file, line, key and reason."""
    from driver_monitor.app.build import Request, load_plan
    from driver_monitor.app.law.operator import cautions, operator_line
    from driver_monitor.app.lock import lock_line
    from driver_monitor.cli.unread import unread

    plan = load_plan(Request(file, None, profile))
    name = file or "default configuration"
    print(f"{name} is valid (profile {plan.profile.name}, {len(plan.profile.rules)} rules)")
    if (line := operator_line(plan.config)) is not None:
        print(line)
    if plan.profile.workplace:
        emotion = plan.config.emotion
        effect = "expressions are read and stay on this machine" if emotion.enabled else "no expression is read"
        print(f"workplace profile: {effect} (emotion.safety_purpose: {emotion.safety_purpose or 'not set'})")
    if plan.config.zmq.beyond_this_machine and plan.config.zmq.keys is not None:
        from driver_monitor.cli.curve.key_files import checked

        print(f"{plan.config.zmq.bind}: {checked(plan.config.zmq.keys)}")
    if (line := lock_line(file, plan.config)) is not None:
        print(line)
    for caution in (*cautions(plan.config, plan.profile), *unread(plan.config, plan.profile)):
        print(f"warning: {caution}")


@config_app.command("dump")
def config_dump(file: ConfigArgument = None) -> None:
    """Print all active values, as YAML."""
    from driver_monitor.app.build import Request, load_plan

    values = load_plan(Request(file)).config.model_dump(mode="json")
    print(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), end="")


@config_app.command("schema")
def config_schema(
    of_profile: Annotated[bool, typer.Option("--profile", help="Print that of a rule profile.")] = False,
) -> None:
    """Print the JSON Schema of the configuration or of a profile, for editors that check while you type."""
    from driver_monitor.config.schema import Config
    from driver_monitor.rules.profile import Profile

    model = Profile if of_profile else Config
    print(json.dumps(model.model_json_schema(), indent=2, ensure_ascii=False))
