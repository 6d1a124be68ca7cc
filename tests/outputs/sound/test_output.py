"""The output that sounds: real child processes of a fake aplay, and where times matter a fake clock."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from driver_monitor.config.schema import OutputsConfig
from driver_monitor.data.alert import Sign
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.outputs.fanout import Outputs
from driver_monitor.outputs.sound.output import SoundOutput
from tests.outputs.scripted_clock import ScriptedClock
from tests.outputs.sound.fake_aplay import PATIENCE_S, FakeAplay, await_end
from tests.processes import DaemonProcess

CONFIG = OutputsConfig(sound="plughw:1,0")
CHIMES = OutputsConfig(sound="plughw:1,0", sound_words=False)
ASLEEP, DISTRACTED = Sign("sleep", "critical"), Sign("distraction", "warning")
TIRED, OTHER = Sign("drowsiness", "info"), Sign("other", "info")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "sound"], "close() ends the thread"


class Bench:
    """A sound output on a clock that jumps to the next turn. A sound ends before the clock goes on."""

    def __init__(self, config: OutputsConfig, script: list[tuple[float, Sign | None]], until: float) -> None:
        clock = ScriptedClock(script, until, self._await_child)
        self.output = SoundOutput(config, 30.0, lambda: clock.now, clock.wait)
        clock.run(self.output.show, 60)

    def _await_child(self) -> None:
        child = self.output._aplay._child
        if child is not None:
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)


def test_ok__a_critical_alert_sounds_and_speaks_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeAplay(tmp_path, monkeypatch)
    Bench(CONFIG, [(1.0, ASLEEP), (21.0, None)], until=30.0).output.close()
    assert fake.call()[1] == ["-q", "-D", "plughw:1,0", "silence.wav"], "a test of the device at the start"
    heard = [fake.sounds() for _ in range(9)]
    assert heard[0] == heard[5] == ["sleep-critical.wav", "words-sleep.wav"], "words every ten seconds"
    assert all(files == ["sleep-critical.wav"] for number, files in enumerate(heard) if number not in (0, 5))


def test_ok__without_words_there_are_chimes_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeAplay(tmp_path, monkeypatch)
    Bench(CHIMES, [(1.0, ASLEEP)], until=5.0).output.close()
    assert [fake.sounds() for _ in range(3)] == [["silence.wav"], ["sleep-critical.wav"], ["sleep-critical.wav"]]


@pytest.fixture
def playing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeAplay:
    return FakeAplay(tmp_path, monkeypatch, "plays")


def test_ok__a_worse_alert_interrupts_a_lesser_one_and_the_end_of_all_is_silence(playing: FakeAplay) -> None:
    output = SoundOutput(CHIMES, 30.0)
    test, _ = playing.call()
    output.show(DISTRACTED)
    await_end(test)
    lesser, arguments = playing.call()
    assert arguments[3:] == ["distraction-warning.wav"]
    output.show(ASLEEP)
    await_end(lesser)
    worse, arguments = playing.call()
    assert arguments[3:] == ["sleep-critical.wav"]
    output.show(None)
    await_end(worse)
    output.close()
    assert output.counters() == {"sound_faults": 0}


def test_ok__the_end_of_the_daemon_is_silence(playing: FakeAplay) -> None:
    output = SoundOutput(CONFIG, 30.0)
    playing.call()
    output.show(ASLEEP)
    process, _ = playing.call()
    output.close()
    await_end(process)
    output.close()


def quiet(output: SoundOutput) -> None:
    """End the sign, and wait until the thread knows: only the newest sign counts."""
    output.show(None)
    end = time.monotonic() + PATIENCE_S
    while output._schedule._sign is not None:
        assert time.monotonic() < end


def test_ok__drowsiness_and_distress_say_what_to_do_once_at_info(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, output = FakeAplay(tmp_path, monkeypatch), SoundOutput(CONFIG, 30.0)
    assert fake.sounds() == ["silence.wav"]
    output.show(TIRED)
    assert fake.sounds() == ["drowsiness-info.wav", "words-drowsiness.wav"]
    output.show(None)
    output.alert({"episode": "a", "phase": "raised", "rule": "distress", "seq": None})
    output.show(OTHER)
    assert fake.sounds() == ["other-info.wav", "words-distress.wav"]
    quiet(output)
    output.alert({"episode": "a", "phase": "cleared", "rule": "distress", "seq": None})
    output.alert({"episode": "b", "phase": "raised", "rule": "seat_belt", "seq": 3})
    output.show(OTHER)
    assert fake.sounds() == ["other-info.wav"], "nobody knows what this rule warns of"
    output.close()


def test_ok__what_a_driver_at_work_hears_does_not_leave_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeAplay(tmp_path, monkeypatch, "fails")
    outputs = Outputs([SoundOutput(CONFIG, 30.0)], PrivacyFilter({"distress"}))
    assert fake.sounds() == ["silence.wav"]
    outputs.alert({"episode": "a", "phase": "raised", "rule": "distress", "seq": None})
    outputs.show(OTHER)
    assert fake.sounds() == ["other-info.wav", "words-distress.wav"], "the driver is told"
    outputs.close()
    assert outputs.counters() == {"output_faults": 0}, "a count of failed sounds would tell of the alert"


def test_fail__a_device_that_fails_is_told_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="driver_monitor")
    fake = FakeAplay(tmp_path, monkeypatch, "fails")
    bench = Bench(CHIMES, [(1.0, ASLEEP)], until=9.0)
    assert [fake.sounds() for _ in range(6)] == [["silence.wav"], *[["sleep-critical.wav"]] * 5]
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("outputs.sound: aplay cannot play on plughw:1,0 (audio open error: No such file")
    assert line.endswith("; monitoring continues without sound")
    assert bench.output.counters() == {"sound_faults": 6}
    assert bench.output.failure is None
    bench.output.close()


def test_ok__a_device_that_works_again_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="driver_monitor")
    fake = FakeAplay(tmp_path, monkeypatch, "fails")
    output = SoundOutput(CHIMES, 30.0)
    assert fake.sounds() == ["silence.wav"]
    while not output.faults:
        output.show(None)
    fake.mode("ends")
    output.show(ASLEEP)
    assert [fake.sounds() for _ in range(2)] == [["sleep-critical.wav"]] * 2
    output.close()
    assert caplog.records[-1].getMessage() == "outputs.sound: the sound works again"


def test_fail__without_aplay_the_start_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    bench = Bench(CHIMES, [(1.0, ASLEEP)], until=5.0)
    bench.output.close()
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == (
        "outputs.sound: aplay is not installed; run `apt-get install alsa-utils`; monitoring continues without sound"
    )
    assert bench.output.faults == 4
    assert bench.output.failure is None


def test_fail__a_hanging_sound_delays_no_caller_and_is_killed(
    playing: FakeAplay, caplog: pytest.LogCaptureFixture
) -> None:
    now, called, hung = [0.0], list[int](), threading.Event()

    def wait(wake: threading.Event, timeout: float | None) -> None:
        if not called:
            called.append(playing.call()[0])
        now[0] += timeout or 0.0
        if timeout is None:
            hung.set()
            wake.wait(10)

    output = SoundOutput(CHIMES, 30.0, lambda: now[0], wait)
    assert hung.wait(20)
    (test,) = called
    await_end(test)
    assert 3.0 < now[0] < 3.5
    assert "aplay hung on plughw:1,0 and was killed; check the sound card" in caplog.text
    output.close()
    assert output.faults == 1


def test_ok__a_daemon_sounds_at_a_microsleep_and_is_silent_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_clip: Path
) -> None:
    fake = FakeAplay(tmp_path, monkeypatch, "plays")
    with DaemonProcess(tmp_path, short_clip, config="outputs: {sound: 'plughw:1,0'}") as daemon:
        test, _ = fake.call()
        process, arguments = fake.call()
        assert arguments[3:] == ["sleep-warning.wav", "words-sleep.wav"]
        daemon.process.send_signal(signal.SIGKILL)
        await_end(process)
        await_end(test)
