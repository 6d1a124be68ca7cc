"""The table of parts: each value of the configuration has a part, and parts open and close in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.daemon import ReloadError
from driver_monitor.app.part_table import TABLE, DaemonPart, Setup, open_parts
from driver_monitor.app.reload import Reloader
from driver_monitor.errors import OutputError
from tests.reloading import Car, Opened, finish, noting, other, parked


@pytest.fixture
def car(tmp_path: Path) -> Iterator[Car]:
    with parked(tmp_path) as car:
        yield car


EVERYTHING = "provenance"
"""The part that shows a hash of the whole configuration. It must not hide that no other part needs a value."""
ONLY_THERE = ("vehicle.id",)
"""Values that this part alone needs."""


def changes(setup: Setup) -> Iterator[tuple[str, Setup]]:
    """Yield every value of the configuration by its key, and a setup in which only this value differs."""
    for section in type(setup.config).model_fields:
        values = getattr(setup.config, section)
        if section == "locked":
            changed = setup.config.model_copy(update={"locked": True})
            yield section, other(setup, replace(setup.plan, config=changed))
            continue
        if section == "profile":
            yield section, other(setup, build.load_plan(Request(None, None, "quiet")))
            continue
        for key in type(values).model_fields:
            changed = values.model_copy(update={key: "changed"})
            config = setup.config.model_copy(update={section: changed})
            yield f"{section}.{key}", other(setup, replace(setup.plan, config=config))


def needed_by(old: Setup, new: Setup, table: tuple[DaemonPart, ...]) -> list[str]:
    return [part.name for part in table if part.changed(old, new)]


def unneeded(setup: Setup, table: tuple[DaemonPart, ...]) -> list[str]:
    """The values that no part needs: a reload would ignore them."""
    return [
        key
        for key, new in changes(setup)
        if not [name for name in needed_by(setup, new, table) if name != EVERYTHING or key in ONLY_THERE]
    ]


def test_ok__every_value_of_the_configuration_is_needed_by_a_part(car: Car) -> None:
    assert len(list(changes(car.setup))) > 25
    assert unneeded(car.setup, TABLE) == []
    assert all(EVERYTHING in needed_by(car.setup, new, TABLE) for _, new in changes(car.setup))


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("vehicle", ["vehicle.input"]),
        ("numbers", ["service.state_dir"]),
        ("log", ["service.log_level"]),
        ("rules", ["profile"]),
        (EVERYTHING, ["vehicle.id"]),
    ],
)
def test_fail__a_value_that_no_part_needs_is_found(car: Car, name: str, keys: list[str]) -> None:
    assert unneeded(car.setup, tuple(part for part in TABLE if part.name != name)) == keys


def test_ok__a_new_vehicle_id_changes_the_outputs_only_if_its_operator_must_know(car: Car) -> None:
    for brokers, needed in (((), False), (("mqtt://127.0.0.1:1883",), True)):
        uplink = car.setup.config.uplink.model_copy(update={"brokers": brokers})
        old = other(car.setup, replace(car.setup.plan, config=car.setup.config.model_copy(update={"uplink": uplink})))
        vehicle = old.config.vehicle.model_copy(update={"id": "another"})
        new = other(old, replace(old.plan, config=old.config.model_copy(update={"vehicle": vehicle})))
        assert ("outputs" in needed_by(old, new, TABLE)) is needed


def test_ok__a_part_that_keeps_something_is_a_field_of_the_daemons_parts(car: Car) -> None:
    names = [part.name for part in TABLE]
    assert set(names) - {"log", "rules"} == {field.name for field in fields(car.daemon.parts)}
    assert len(set(names)) == len(names)


def test_ok__the_camera_is_opened_before_other_devices_and_closed_after_them(car: Car) -> None:
    log: list[str] = []
    with open_parts(car.setup, noting(log)):
        assert log == ["open numbers", "open source", "open vehicle", "open button", "open outputs"]
        log.clear()
    assert log == ["close outputs", "close button", "close vehicle", "close source", "close numbers"]


def test_fail__a_start_that_fails_closes_what_it_has_opened(car: Car) -> None:
    log: list[str] = []
    with pytest.raises(OutputError, match="button is broken"), open_parts(car.setup, noting(log, "button")):
        pytest.fail("must not start")
    assert log[3:] == ["close vehicle", "close source", "close numbers"]


def test_ok__a_reload_closes_what_is_in_place_and_the_daemon_closes_what_came_instead(car: Car) -> None:
    log: list[str] = []
    setup = other(car.setup, car.setup.plan)
    with open_parts(setup, noting(log)) as parts:
        car.daemon.parts = parts
        log.clear()
        car.write("camera: {source: demo}\ngpio: {backend: mock}\nvehicle: {input: 'tcp://127.0.0.1:5999'}")
        finish(Reloader(Request(car.file), setup, noting(log)), car.daemon)
        assert log == [
            "open vehicle",
            "close outputs", "close button", "open button", "open outputs",
            "close source", "open source", "close vehicle",
        ]  # fmt: skip
        assert isinstance(parts.outputs, Opened)
        log.clear()
    assert log == ["close outputs", "close button", "close vehicle", "close source", "close numbers"]


def test_fail__a_reload_that_fails_closes_what_it_has_opened_and_opens_what_it_has_closed(car: Car) -> None:
    log: list[str] = []
    setup, table = other(car.setup, car.setup.plan), noting(log, "outputs", "demo")
    with open_parts(setup, table) as parts:
        car.daemon.parts = parts
        before = parts.source, parts.vehicle
        log.clear()
        car.write("camera: {source: demo}\ngpio: {backend: mock}\nvehicle: {input: 'tcp://127.0.0.1:5999'}")
        with pytest.raises(ReloadError, match="outputs is broken"):
            finish(Reloader(Request(car.file), setup, table), car.daemon)
        assert log == [
            "open vehicle",
            "close outputs", "close button", "open button",
            "close outputs", "close button", "open button", "open outputs",
            "close vehicle",
        ]  # fmt: skip
        assert (parts.source, parts.vehicle) == before
