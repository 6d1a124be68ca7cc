"""Puts the verbs `fleet ...` together."""

from __future__ import annotations

import typer

from driver_monitor.cli.fleet import enrol

fleet_app = typer.Typer(help="The operator's side: collect, watch, report, keys.", no_args_is_help=True)
for verb in (enrol.enrol, enrol.renew, enrol.revoke, enrol.enrolled):
    fleet_app.command()(verb)
