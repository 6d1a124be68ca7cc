"""Outputs that only some configurations have are imported before a reload closes the old ones."""

from __future__ import annotations

import ast
import inspect
import sys

import pytest

from driver_monitor.app import build
from driver_monitor.config.schema import Config
from driver_monitor.outputs import preload

AT_MOST_ONCE = {"uplink.old_spool"}
"""Imported when an uplink is switched off: most of it was imported with the uplink."""


def test_ok__what_build_outputs_imports_late_is_imported_before() -> None:
    tree = ast.parse(inspect.getsource(build.build_outputs))
    late = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    source = inspect.getsource(preload.import_outputs)
    names = {str(module).removeprefix("driver_monitor.outputs.") for module in late}
    assert len(names) >= 6
    assert {name for name in names if f'"{name}"' not in source} == AT_MOST_ONCE


def test_ok__only_what_is_configured_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("car.output", "sound.output", "vss.output", "curve.publisher"):
        monkeypatch.setitem(sys.modules, f"driver_monitor.outputs.{name}", None)
    preload.import_outputs(Config.model_validate({"metrics": {"bind": "127.0.0.1:9000"}}))
    assert "driver_monitor.outputs.metrics" in sys.modules


def test_fail__an_output_that_cannot_be_imported_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "driver_monitor.outputs.metrics", None)
    with pytest.raises(ImportError):
        preload.import_outputs(Config.model_validate({"metrics": {"bind": "127.0.0.1:9000"}}))
