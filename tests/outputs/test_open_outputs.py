"""One table says which outputs a configuration has. A reload imports them before it closes the old ones."""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path

import pytest

from driver_monitor.config.schema import Config
from driver_monitor.outputs import open_outputs
from driver_monitor.outputs.open_outputs import TABLE, OutputRow

EVERYWHERE = {"journal", "active_alerts", "zmq_publisher", "gpio_output"}
"""Imported with the table: nearly every configuration has them."""


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.module)
def test_ok__what_an_output_imports_late_is_the_module_of_its_row(row: OutputRow) -> None:
    if row.module in EVERYWHERE:
        assert f"driver_monitor.outputs.{row.module}" in sys.modules
        return
    tree = ast.parse(inspect.getsource(row.open))
    late = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert late == [f"driver_monitor.outputs.{row.module}"]


def test_ok__only_what_is_configured_is_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("uplink.old_spool", "car.output", "sound.output", "vss.output", "curve.publisher"):
        monkeypatch.setitem(sys.modules, f"driver_monitor.outputs.{name}", None)
    open_outputs.import_outputs(Config.model_validate({"metrics": {"bind": "127.0.0.1:9000"}}), tmp_path)
    assert "driver_monitor.outputs.metrics" in sys.modules


def test_fail__an_output_that_cannot_be_imported_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "driver_monitor.outputs.metrics", None)
    with pytest.raises(ImportError):
        open_outputs.import_outputs(Config.model_validate({"metrics": {"bind": "127.0.0.1:9000"}}), tmp_path)
