"""Drivers at work: what their faces express stays on the machine, with every configuration and every output.

EU AI Act, article 5(1)(f). Every output is tried: ZeroMQ on a real socket, files of a replay, stills, and an unknown
output, which represents all others.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.app import build
from driver_monitor.app.build import Plan, Request
from driver_monitor.app.daemon import Daemon
from driver_monitor.app.parts import Parts
from driver_monitor.app.pipeline import Pipeline
from driver_monitor.app.process.systemd import Notifier
from driver_monitor.bench.inspect import inspect
from driver_monitor.bench.replays import kept_models
from driver_monitor.bench.replays.job import ReplayJob
from driver_monitor.bench.replays.replay import replay as replay_clip
from driver_monitor.bench.score.track import track_of
from driver_monitor.config.profiles import load_profile
from driver_monitor.config.schema import ZmqConfig
from driver_monitor.data.alert import Sign
from driver_monitor.data.observation import (
    EXPRESSIONS,
    CameraState,
    Expression,
    Observation,
)
from driver_monitor.errors import ConfigError
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.envelope import LiveStamper
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.nets import manifest
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.journal import Journal
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.zmq_publisher import ZmqPublisher
from driver_monitor.perception.expression.net import ExpressionNet
from driver_monitor.rules.engine import Engine
from driver_monitor.rules.profile import Profile
from driver_monitor.state.tracker import StateTracker
from tests.drive import STARTED, Cabin, Numbers, Recorder, Systemd
from tests.outputs.listener import listening
from tests.timeline import attentive, film, shut

ANGRY = Expression({name: 0.93 if name == "anger" else 0.01 for name in EXPRESSIONS})
PURPOSE = "Warn the driver of rage before it becomes dangerous driving"
DRIVE = (attentive(10), shut(1.5), attentive(12))
TELLING = ("distress", "anger", "fear", "emotion.", '"positive"', '"negative"', '"p":')
"""No message that leaves the machine may contain these."""


class Furious(Cabin):
    """A driver who is angry all the time, and nods off for a moment."""

    def observe(self, frame: Frame, camera: CameraState = "ok") -> Observation:
        return replace(super().observe(frame, camera), expression=ANGRY)


def plan(folder: Path, text: str, profile: str = "fleet") -> Plan:
    path = folder / "my.yaml"
    path.write_text(text)
    return build.load_plan(Request(path, None, profile))


def wall() -> tuple[datetime, bool]:
    return datetime(2026, 1, 1, tzinfo=timezone.utc), True


@contextmanager
def driving(plan: Plan, outputs: list[Output]) -> Iterator[Daemon]:
    cabin = Furious(*DRIVE)
    clock = lambda: cabin.now  # noqa: E731
    fanned = Outputs(outputs, plan.privacy)
    numbers = Numbers()
    origin = build.provenance(plan, build.load_models(plan.config).digest)
    pipeline = Pipeline(cabin, StateTracker(), Engine(plan.profile))
    parts = Parts(cabin, pipeline, fanned, numbers, origin, 0.2)
    stamper = LiveStamper(numbers.next, wall, "t", "b")
    daemon = Daemon(parts, stamper, Systemd(clock), clock, STARTED, lambda daemon: None)
    try:
        yield daemon
    finally:
        fanned.close()


def silent(message: object) -> bool:
    text = json.dumps(message)
    return not any(word in text for word in TELLING)


@pytest.fixture
def rage(tmp_path: Path) -> Plan:
    return plan(tmp_path, f"emotion: {{safety_purpose: {PURPOSE}}}\ngpio: {{backend: 'off'}}")


def test_ok__without_a_safety_purpose_no_expression_is_read_at_all(tmp_path: Path) -> None:
    at_work = plan(tmp_path, "emotion: {enabled: true, rate_hz: 10}")
    assert not at_work.config.emotion.enabled
    assert build.load_models(at_work.config).expression is None
    assert plan(tmp_path, "", "default").config.emotion.enabled


def test_ok__distress_reaches_the_driver_and_nobody_else(rage: Plan, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    unknown, own = Recorder(lambda: 0.0), Recorder(lambda: 0.0)
    own.local = True
    publisher = ZmqPublisher(ZmqConfig(bind="tcp://127.0.0.1:*", send_queue=1000))
    with driving(rage, [Journal(), unknown, own, publisher]) as daemon:
        daemon.run()
        with listening(publisher, "") as late:
            # What is kept for newcomers: active alerts first, of which there must be none, then the last status.
            heard = [message for _, message in late.receive(1)]
    assert [alert["rule"] for alert in own.alerts if alert["phase"] == "raised"] == ["distress", "microsleep"]
    assert own.signs == [Sign("other", "info"), Sign("sleep", "warning"), Sign("other", "info")]
    assert any("distress raised" in record.getMessage() for record in caplog.records)
    assert [(alert["rule"], alert["seq"]) for alert in unknown.alerts] == [("microsleep", 100), ("microsleep", 101)]
    assert unknown.signs == []
    reported = [*unknown.alerts, *unknown.states, *unknown.statuses, *heard]
    assert "uptime_s" in heard[0]
    assert all(map(silent, reported))
    assert {status["alerts"] for status in unknown.statuses} == {0, 1}
    assert own.statuses[-1]["alerts"] == 1
    assert own.statuses[-1]["outputs"] == unknown.statuses[-1]["outputs"]
    assert not silent(own.states[-1])
    assert not silent(own.alerts[0])


def test_ok__in_a_car_of_ones_own_everybody_may_hear_it(tmp_path: Path) -> None:
    unknown = Recorder(lambda: 0.0)
    with driving(plan(tmp_path, "gpio: {backend: 'off'}", "default"), [unknown]) as daemon:
        daemon.run()
    assert [alert["rule"] for alert in unknown.alerts if alert["phase"] == "raised"] == ["distress", "microsleep"]
    assert [alert["seq"] for alert in unknown.alerts] == [100, 101, 102]


class StatusRecorder(Notifier):
    """What `systemctl status` shows to every user of the machine."""

    def __init__(self) -> None:
        super().__init__({})
        self.sentences: list[str] = []

    def status(self, text: str) -> bool:
        self.sentences.append(text)
        return True


def test_ok__systemd_is_not_reported(rage: Plan) -> None:
    with driving(rage, [Recorder(lambda: 0.0)]) as daemon:
        daemon._notifier = reported = StatusRecorder()
        daemon.run()
    assert "driver: drowsy; camera: ok; active: microsleep" in reported.sentences
    assert silent(reported.sentences)


def test_ok__a_pin_that_fails_with_every_distress_does_not_tell_of_it(rage: Plan) -> None:
    class Failing(Recorder):
        local = True

        def show(self, sign: Sign | None) -> None:
            raise OSError("loose wire")

        def counters(self) -> dict[str, int]:
            return {"gpio_faults": 7}

    unknown = Recorder(lambda: 0.0)
    with driving(rage, [Failing(lambda: 0.0), unknown]) as daemon:
        daemon.run()
    assert {str(status["outputs"]) for status in unknown.statuses} == {"{'output_faults': 0, 'zmq.state': 3}"}


def test_ok__a_field_that_nobody_has_judged_does_not_pass(rage: Plan) -> None:
    unknown, own = Recorder(lambda: 0.0), Recorder(lambda: 0.0)
    own.local = True
    with driving(rage, [unknown, own]) as daemon:
        daemon.run()
    for all_of_them, others in ((own.states, unknown.states), (own.statuses, unknown.statuses)):
        assert all_of_them[-1].keys() == others[-1].keys()
    assert "valence" not in rage.privacy.state({"t": 1.0, "valence": -0.8})


def test_ok__a_score_of_clips_does_not_count_it(rage: Plan) -> None:
    cabin, engine, tracker = Furious(*DRIVE), Engine(rage.profile), StateTracker()
    pipeline = Pipeline(cabin, tracker, engine)
    steps = []
    while (frame := cabin.latest(0.0)) is not None:
        steps.append((frame.sequence, pipeline.step(frame)))
    assert {event.rule for _, step in steps for event in step.verdict.events} == {"distress", "microsleep"}
    assert {rule for rule, _ in track_of(steps).raised} == {"microsleep"}


class AlwaysAngry(ExpressionNet):
    """Stands for the expression net."""

    sha256 = "0" * 64

    def __init__(self) -> None:
        pass

    def probabilities(self, crop: np.ndarray[Any, Any]) -> Expression:
        return ANGRY


def test_ok__neither_a_replays_files_nor_stills_tell_it(
    rage: Plan, tmp_path: Path, short_clip: Path, still: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "ExpressionNet", lambda *_: AlwaysAngry())
    monkeypatch.setattr(manifest, "check", lambda *_: None)
    monkeypatch.setattr(kept_models, "_kept", None)
    own = build.load_plan(Request())
    quick = own.profile.model_copy(update={"rules": tuple(map(_soon, own.profile.rules))})
    for plan, tells in ((rage, False), (replace(own, profile=quick), True)):
        at_once = replace(
            plan, profile=plan.profile.model_copy(update={"rules": tuple(map(_soon, plan.profile.rules))})
        )
        done = replay_clip(ReplayJob(short_clip, tmp_path / str(tells)), at_once)
        files = [(done.folder / name).read_text() for name in ("signals.jsonl", "events.jsonl")]
        assert all(any(word in text for word in TELLING) == tells for text in files)
        numbers = [alert["seq"] for alert in done.alerts]
        assert numbers == list(range(len(numbers)))
        (seen,) = inspect([still], plan, build.load_models(plan.config))
        assert (seen["emotion"] is not None) == tells


def _soon(rule: Any) -> Any:
    """Distress after a tenth of a second: the clip is short."""
    if rule.id != "distress":
        return rule
    return rule.model_copy(update={"when": rule.when.model_copy(update={"at_least": 0.1})})


def test_ok__a_profile_that_extends_a_workplace_is_one(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text("name: ours\nextends: fleet\nworkplace: false\n")
    profile, text = load_profile(str(path))
    assert profile.workplace
    assert profile.local_rules == {"distress"}
    assert "microsleep" in text
    assert "workplace: true" in text


SMUGGLER = """\
name: smuggler
extends: fleet
rules:
  - id: cross
    when: {any: [{signal: emotion.label, is: anger}, {signal: eyes.closed_s, at_least: 50}]}
    clear: {signal: eyes.closed_s, at_most: 0.0}
    level: warning
    message: "Not amused"
    clause: none
  - id: behind
    when: {signal: rule.cross.held_s, above: 1.0}
    clear: {signal: rule.cross.held_s, at_most: 0.0}
    level: info
    message: "Something"
    clause: none
  - id: chatty
    when: {signal: eyes.closed_s, at_least: 1.0}
    clear: {signal: eyes.closed_s, at_most: 0.0}
    level: info
    message: "Looks {emotion.label}"
    clause: none
"""


def test_ok__rules_of_ones_own_cannot_smuggle_it_out(tmp_path: Path) -> None:
    (tmp_path / "smuggler.yaml").write_text(SMUGGLER)
    text = f"emotion: {{safety_purpose: {PURPOSE}}}\ngpio: {{backend: 'off'}}"
    at_work = plan(tmp_path, text, str(tmp_path / "smuggler.yaml"))
    assert at_work.profile.local_rules == {"distress", "cross", "behind", "chatty"}
    unknown, own = Recorder(lambda: 0.0), Recorder(lambda: 0.0)
    own.local = True
    with driving(at_work, [unknown, own]) as daemon:
        daemon.run()
    assert {"distress", "cross", "behind", "chatty", "microsleep"} == {alert["rule"] for alert in own.alerts}
    assert {alert["rule"] for alert in unknown.alerts} == {"microsleep"}
    assert all(silent(m) and "cross" not in json.dumps(m) for m in (*unknown.states, *unknown.statuses))


def test_fail__such_a_rule_may_not_speak_through_attention(tmp_path: Path) -> None:
    path = tmp_path / "smuggler.yaml"
    path.write_text(SMUGGLER.replace("level: warning", "level: warning\n    attention: drowsy"))
    with pytest.raises(ConfigError, match="rule cross reads an expression, which must not leave the machine"):
        load_profile(str(path))
    path.write_text(path.read_text().replace("extends: fleet", "extends: default"))
    load_profile(str(path))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "name: a\nextends: flet",
            "no shipped profile 'flet'; use one of default, eu_addw, euro_ncap, euro_ncap_2023, fleet, quiet",
        ),
        ("name: a\nextends: ../../etc/passwd", "no shipped profile"),
        ("name: a\nworkplace: 1\nextends: default", "my.yaml:2: workplace"),
        ("name: a", "at least one rule"),
        (
            SMUGGLER.replace("id: cross", "id: sleep").replace("rule.cross", "rule.sleep"),
            "sleep is also a rule of",
        ),
    ],
)
def test_fail__what_cannot_be_extended_is_reported(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=reason):
        load_profile(str(path))


def test_ok__a_check_says_what_a_workplace_does_with_expressions(tmp_path: Path, command: Any) -> None:
    assert (
        "no expression is read (emotion.safety_purpose: not set)"
        in command("config", "check", "--profile", "fleet").out
    )
    (tmp_path / "my.yaml").write_text(f"profile: fleet\nemotion: {{safety_purpose: {PURPOSE}}}")
    assert PURPOSE in command("config", "check", "my.yaml").out
    assert command("config", "check").out == "default configuration is valid (profile default, 12 rules)\n"
    assert command("config", "check", "my.yaml").out.startswith("my.yaml is valid (profile fleet, 12 rules)\n")
    for nothing in ("fun", f"'{' ' * 30}'"):
        (tmp_path / "my.yaml").write_text(f"emotion: {{safety_purpose: {nothing}}}")
        outcome = command("config", "check", "my.yaml")
        assert (outcome.code, len(outcome.lines)) == (2, 1)
        assert "my.yaml:1: emotion.safety_purpose" in outcome.lines[0]


def test_ok__the_values_in_force_say_that_no_expression_is_read(tmp_path: Path, command: Any) -> None:
    (tmp_path / "my.yaml").write_text("profile: fleet")
    assert "emotion:\n  enabled: false" in command("config", "dump", "my.yaml").out


def test_ok__what_was_active_before_work_began_ends_without_leaving_the_machine() -> None:
    privacy = PrivacyFilter({"distress"})
    of_old = {"rule": "rage", "seq": 4, "phase": "cleared", "evidence": {"measured": {"emotion.distress_s": 7.0}}}
    assert privacy.alert(of_old) is None
    assert privacy.alert({**of_old, "evidence": {"measured": {"eyes.closed_s": 1.0}}}) is not None
    assert privacy.alert({"rule": "made_to_stay", "seq": None, "phase": "raised"}) is None


SIGNAL = st.sampled_from(
    ["emotion.distress_s", "eyes.closed_s", "gaze.away_s", "perclos.value", "rule.r0.held_s", "rule.r1.held_s"]
)


@given(st.lists(st.tuples(SIGNAL, SIGNAL, SIGNAL, st.booleans()), min_size=1, max_size=5))
def test_ok__whatever_the_rules_are_what_leaves_is_the_same_for_an_angry_and_a_calm_driver(
    rules: list[tuple[str, str, str, bool]],
) -> None:
    profile = Profile.model_validate({"name": "any", "workplace": True, "rules": list(_rules(rules))})
    frames = film([attentive(9), shut(2), attentive(4)], fps=5)
    reported = []
    for expression in (ANGRY, Expression(dict.fromkeys(EXPRESSIONS, 0.125)), None):
        tracker, engine, privacy = StateTracker(), Engine(profile), PrivacyFilter(profile.local_rules)
        verdicts = [engine.update(tracker.update(replace(frame, expression=expression))) for frame in frames]
        reported.append(
            [
                (verdict.attention, privacy.state({"alerts": verdict.active, "emotion": "?"}), shown)
                for verdict in verdicts
                for event in [None, *verdict.events]
                for shown in [event and privacy.alert({"rule": event.rule, "seq": 1, "phase": event.phase})]
                if event is None or shown is not None
            ]
        )
    assert reported[0] == reported[1] == reported[2]


def _rules(drawn: list[tuple[str, str, str, bool]]) -> Iterator[dict[str, Any]]:
    for index, (when, clear, shown, implies) in enumerate(drawn):
        names = [n if not n.startswith("rule.") or int(n[6]) < index else "eyes.closed_s" for n in (when, clear, shown)]
        rests = any(name.startswith(("emotion.", "rule.")) for name in names)
        yield {
            "id": f"r{index}",
            "when": {"signal": names[0], "at_least": 0.05},
            "clear": {"signal": names[1], "at_most": 0.0},
            "level": "info",
            "message": f"{{{names[2]}}}",
            "clause": "none",
            **({"attention": "drowsy"} if implies and not rests else {}),
        }
