"""Puts the verbs `fleet ...` together."""

from __future__ import annotations

import typer

fleet_app = typer.Typer(help="The operator's side: collect, watch, report, keys.", no_args_is_help=True)
