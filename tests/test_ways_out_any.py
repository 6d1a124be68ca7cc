"""Whatever the configuration is: what leaves a car with an operator is the same for an angry driver and a calm one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from driver_monitor.app import build
from driver_monitor.app.build import Plan, Request
from driver_monitor.app.status import Health
from driver_monitor.config.profiles import known
from driver_monitor.data.driver_state import DriverState
from driver_monitor.data.observation import EXPRESSIONS, Expression
from driver_monitor.messages import wire
from driver_monitor.messages.car import CarSignal, car_message, car_signal
from driver_monitor.messages.envelope import ReplayStamper, envelope
from driver_monitor.messages.state import state_message
from driver_monitor.messages.vss import vss_message, vss_values
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.metrics import CarMetrics
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.uplink.output import entry_of
from driver_monitor.outputs.uplink.status import VehicleRun, status_message
from driver_monitor.rules.engine import Engine
from driver_monitor.spool.entry import SpoolCounts
from driver_monitor.state.tracker import StateTracker
from tests.drive import STARTED, Cabin
from tests.test_workplace import ANGRY, PURPOSE, _rules
from tests.timeline import attentive, film, shut

FPS = 5
FRAMES = film([attentive(9), shut(2), attentive(4)], fps=FPS)
CALM = Expression({name: 0.93 if name == "neutral" else 0.01 for name in EXPRESSIONS})
RUN = VehicleRun("van-12", "trip", "boot")
OPERATORS = (
    {"uplink": {"brokers": ["mqtts://broker.example"]}},
    {"uplink": {"brokers": ["mqtt://127.0.0.1"], "sent_days": 0}},
    {"zmq": {"bind": "tcp://0.0.0.0:5556", "keys": "/etc/driver-monitor/keys"}},
    {"zmq": {"bind": "tcp://[::]:5556", "keys": "keys"}, "uplink": {"brokers": ["mqtts://a", "mqtts://b:8884"]}},
)
SIGNAL = st.sampled_from(
    ["emotion.distress_s", "eyes.closed_s", "gaze.away_s", "perclos.value", "rule.r0.held_s", "rule.r1.held_s"]
)
DRAWN = st.lists(st.tuples(SIGNAL, SIGNAL, SIGNAL, st.booleans()), min_size=1, max_size=5)


class Everything(Output):
    """Takes what an output that is not local gets, and keeps the bytes that each way out makes of it."""

    def __init__(self) -> None:
        self.left: list[bytes] = []
        self.numbers: list[int] = []
        self._state: Message | None = None
        self._signal: CarSignal | None = None
        self._metrics = CarMetrics(SpoolCounts, lambda: 0.0)

    def alert(self, alert: Message) -> None:
        self.numbers.append(alert["seq"])
        self.left += [wire.encode(alert), entry_of(alert).body, str(alert["rule"]).encode()]
        self._metrics.alert(alert)

    def car(self, signal: CarSignal) -> None:
        self._signal = signal
        self.left += [wire.encode(car_message(signal, 0, 0.0))]

    def state(self, state: Message) -> None:
        self.left += [wire.encode(state), wire.encode(vss_message(vss_values(state, self._signal), 0.0))]

    def status(self, status: Message) -> None:
        self._metrics.status(status)
        registry = CollectorRegistry()
        registry.register(self._metrics)
        told = status_message(status, RUN, SpoolCounts(), 0.0, 0.0, True)
        self.left += [wire.encode(status), wire.encode(told), generate_latest(registry)]


def left_by(plan: Plan, states: Sequence[DriverState], engine: Engine) -> Everything:
    """Drive with `states`, and return all that left."""
    tap, cabin, health = Everything(), Cabin(attentive(1)), Health(STARTED)
    fanned, stamper = Outputs([tap], plan.privacy), ReplayStamper("trip")
    origin = build.provenance(plan, "models")
    for number, state in enumerate(states):
        verdict = engine.update(state)
        for event in verdict.events:
            fanned.alert(envelope(event, stamper.stamp(event, None), origin))
            health.alerts += event.phase == "raised" and not event.local
        fanned.car(car_signal(state, verdict))
        fanned.state(state_message(state, verdict))
        if number % FPS == 0:
            status = health.status(cabin, fanned.counters(), origin, STARTED + number / FPS)
            shown = {"active": list(verdict.active), "attention": verdict.attention, "degraded": state.degraded}
            fanned.status({**status, **shown})
    return tap


def drives(plan: Plan) -> Iterator[Everything]:
    """What leaves of an angry driver, of a calm one, and of one whose face is not read, in the same drive."""
    for expression in (ANGRY, CALM, None) if plan.config.emotion.enabled else (None, None):
        tracker = StateTracker()
        states = [tracker.update(replace(frame, expression=expression)) for frame in FRAMES]
        yield left_by(plan, states, Engine(plan.profile))


def plan_of(folder: Path, config: dict[str, Any], profile: str) -> Plan:
    path = folder / "my.yaml"
    path.write_text(json.dumps({**config, "profile": profile, "gpio": {"backend": "off"}}))
    return build.load_plan(Request(path))


def assert_alike(plan: Plan) -> None:
    assert plan.profile.workplace
    assert plan.privacy.active
    first, *others = drives(plan)
    assert first.left
    assert first.numbers == list(range(len(first.numbers)))
    for other in others:
        assert other.numbers == first.numbers
        assert other.left == first.left


@settings(max_examples=15)
@given(
    DRAWN,
    st.sampled_from(OPERATORS),
    st.booleans(),
    st.sampled_from(["", "default", "quiet", "fleet", "eu_addw"]),
    st.sampled_from([{}, {"enabled": False}, {"safety_purpose": PURPOSE}, {"safety_purpose": PURPOSE, "rate_hz": 30}]),
)
def test_ok__any_rules_any_operator_and_any_setting_of_expressions_let_the_same_leave(
    drawn: list[tuple[str, str, str, bool]],
    operator: dict[str, Any],
    workplace: bool,
    extends: str,
    emotion: dict[str, Any],
) -> None:
    profile: dict[str, Any] = {"name": "any", "workplace": workplace, "rules": list(_rules(drawn))}
    profile |= {"extends": extends} if extends else {}
    with TemporaryDirectory() as name:
        (Path(name) / "own.yaml").write_text(json.dumps(profile))
        assert_alike(plan_of(Path(name), {**operator, "emotion": emotion}, str(Path(name) / "own.yaml")))


@pytest.mark.parametrize("profile", known())
def test_ok__so_does_every_shipped_profile_with_a_safety_purpose(tmp_path: Path, profile: str) -> None:
    assert_alike(plan_of(tmp_path, {**OPERATORS[0], "emotion": {"safety_purpose": PURPOSE}}, profile))


def test_ok__without_an_operator_the_same_drives_differ(tmp_path: Path) -> None:
    first, *others = drives(plan_of(tmp_path, {}, "default"))
    assert all(other.left != first.left for other in others), "the comparison would find a difference"
