"""The core reads no file, no clock and starts no thread: its modules do not even import what that needs."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import driver_monitor

PACKAGE = Path(driver_monitor.__file__).parent
IMPURE = {"asyncio", "driver_monitor.yamlfile", "io", "os", "pathlib", "socket", "subprocess", "threading", "time"}


@pytest.mark.parametrize("part", ["state", "rules"])
def test_ok__the_core_is_pure(part: str) -> None:
    modules = sorted((PACKAGE / part).glob("*.py"))
    assert len(modules) > 5
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
            else:
                continue
            assert not names & IMPURE, module
