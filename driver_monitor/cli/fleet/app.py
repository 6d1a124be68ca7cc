"""Puts the verbs `fleet ...` together."""

from __future__ import annotations

import typer

from driver_monitor.cli.fleet import acknowledge as acknowledge_verb
from driver_monitor.cli.fleet import collect
from driver_monitor.cli.fleet import report as report_verb
from driver_monitor.cli.fleet import watch as watch_verb
from driver_monitor.cli.fleet.simulate import simulate

fleet_app = typer.Typer(help="The operator's side: collect, watch, report, keys.", no_args_is_help=True)
fleet_app.command()(collect.collect)
fleet_app.command()(collect.schema)
fleet_app.command()(simulate)
fleet_app.command()(watch_verb.watch)
fleet_app.command()(report_verb.report)
fleet_app.command()(acknowledge_verb.acknowledge)
