"""Drivers at work, and a configuration that is read again on the way: what was inferred at work stays there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.daemon import Daemon
from driver_monitor.app.part_table import Setup, open_parts
from driver_monitor.app.reload import Reloader
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.envelope import LiveStamper
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.fanout import Outputs
from tests.drive import STARTED, Cabin, Numbers, Recorder
from tests.reloading import finish, with_builds
from tests.test_workplace import DRIVE, PURPOSE, Furious, StatusRecorder, silent, wall


@dataclass
class Reloaded:
    """A drive in whose eighth second the configuration is read again."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def drive(self, before: str, after: str) -> tuple[Recorder, Recorder]:
        """Return what others than the driver received before and after."""
        file = self.folder / "my.yaml"
        file.write_text(before)
        request, cabin = Request(file), Furious(*DRIVE)
        self.monkeypatch.setattr(build, "build_perception", lambda *_, **__: cabin)
        setup, numbers = Setup(build.load_plan(request)), Numbers()
        recorders = [Recorder(lambda: cabin.now - STARTED), Recorder(lambda: cabin.now - STARTED)]
        opened = iter(recorders)
        table = with_builds(
            source=lambda _: cabin,
            numbers=lambda _: numbers,
            outputs=lambda setup: Outputs([next(opened)], setup.plan.privacy),
        )
        with open_parts(setup, table) as parts:
            stamper = LiveStamper(numbers.next, wall, "t", "b")
            reloader = Reloader(request, setup, table)
            reload = partial(finish, reloader)
            daemon = Daemon(parts, stamper, StatusRecorder(), lambda: cabin.now, STARTED, reload)
            self.monkeypatch.setattr(cabin, "latest", self._asking(cabin, daemon, file, after))
            daemon.run()
        assert all(alert["seq"] is not None for recorder in recorders for alert in recorder.alerts)
        sequence = [alert["seq"] for recorder in recorders for alert in recorder.alerts]
        assert sequence == list(range(100, 100 + len(sequence)))
        return recorders[0], recorders[1]

    @staticmethod
    def _asking(cabin: Cabin, daemon: Daemon, file: Path, after: str) -> Callable[[float], Frame | None]:
        take = cabin.latest

        def latest(timeout_s: float) -> Frame | None:
            if cabin.now - STARTED >= 8 and after != file.read_text():
                file.write_text(after)
                daemon.request_reload()
            return take(timeout_s)

        return latest


@pytest.fixture
def reloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reloaded:
    return Reloaded(tmp_path, monkeypatch)


AT_WORK = f"profile: fleet\nemotion: {{safety_purpose: {PURPOSE}}}\n"


def everything(*recorders: Recorder) -> list[Message]:
    return [message for r in recorders for message in (*r.alerts, *r.states, *r.statuses)]


def test_ok__a_reload_at_work_shows_no_more_than_before(reloaded: Reloaded) -> None:
    before, after = reloaded.drive(AT_WORK, f"{AT_WORK}zmq: {{state_hz: 4}}")
    assert [alert["rule"] for alert in after.alerts] == ["microsleep", "microsleep"]
    assert all(map(silent, everything(before, after)))
    assert [status["alerts"] for status in after.statuses][:2] == [0, 0]


SEETHING = """\
name: ours
extends: fleet
rules:
  - id: seethes
    when: {signal: emotion.label, is: anger}
    clear: {signal: emotion.label, is: neutral}
    level: info
    message: Seething
    clause: none
"""


def test_ok__a_rule_that_a_reload_takes_away_is_not_named_afterwards(reloaded: Reloaded) -> None:
    (reloaded.folder / "seething.yaml").write_text(SEETHING)
    own = AT_WORK.replace("fleet", str(reloaded.folder / "seething.yaml"))
    reported = everything(*reloaded.drive(own, AT_WORK))
    assert all(silent(message) and "seeth" not in json.dumps(message) for message in reported)


def test_ok__what_was_inferred_at_work_is_not_reported_when_work_is_over(reloaded: Reloaded) -> None:
    before, after = reloaded.drive(AT_WORK, "profile: default\n")
    assert all(map(silent, everything(before)))
    distress = next(alert for alert in after.alerts if alert["rule"] == "distress")
    assert distress["sent"] > 8 + 5
    assert distress["evidence"]["measured"]["emotion.distress_s"] == pytest.approx(5.0, abs=0.1)


def test_ok__at_the_beginning_of_work_what_was_active_is_ended_in_front_of_those_who_knew(reloaded: Reloaded) -> None:
    (reloaded.folder / "own.yaml").write_text(
        SEETHING.replace("fleet", "default").replace("Seething", "'{emotion.label}'")
    )
    before, after = reloaded.drive(f"profile: {reloaded.folder / 'own.yaml'}\n", AT_WORK)
    reported = [(alert["rule"], alert["phase"]) for alert in before.alerts]
    assert sorted(reported[:2]) == [("distress", "raised"), ("seethes", "raised")]
    assert sorted(reported[2:]) == [("distress", "cleared"), ("seethes", "cleared")]
    assert all(map(silent, everything(after)))
