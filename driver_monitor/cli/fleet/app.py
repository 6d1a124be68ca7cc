"""Puts the verbs `fleet ...` together."""

from __future__ import annotations

import typer

from driver_monitor.cli.fleet import acknowledge, collect, enrol, report, simulate, watch

fleet_app = typer.Typer(help="The operator's side: collect, watch, report, keys.", no_args_is_help=True)
for verb in (
    collect.collect,
    collect.schema,
    watch.watch,
    report.report,
    acknowledge.acknowledge,
    enrol.enrol,
    enrol.renew,
    enrol.revoke,
    enrol.enrolled,
    simulate.simulate,
):
    fleet_app.command()(verb)
