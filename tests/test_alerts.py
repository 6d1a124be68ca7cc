"""`driver-monitor alerts` lists the patterns of buzzer and LED, plays them on the pins and writes them as sound."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from driver_monitor.cli.alerts import LEAST_WITH_WORDS_S, chosen, play
from driver_monitor.config.schema import GpioConfig, OutputsConfig
from driver_monitor.data.alert import KINDS, LEVELS
from driver_monitor.errors import OutputError
from driver_monitor.gpio.patterns import SOURCES, TABLE
from driver_monitor.outputs.sound.output import SoundOutput
from tests.conftest import Cli
from tests.outputs.sound.fake_aplay import PATIENCE_S, FakeAplay, await_end
from tests.outputs.test_gpio import watch
from tests.outputs.test_waveform import read, recognise

NO_PINS = "gpio: {backend: 'off'}\n"
BUZZ = 17
MOCK = GpioConfig(backend="mock", buzzer_pin=BUZZ)


def test_ok__the_table_is_listed_with_its_sources(command: Cli) -> None:
    done = command("alerts")
    assert done.code == 0
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.out.splitlines() if "│" in line]
    shown = {tuple(cells) for cells in lines}
    for place, row in enumerate(TABLE, 1):
        sound = row.buzzer.words() if row.buzzer.seconds else "silent"
        assert (str(place), row.kind, row.level, sound, row.led.words()) in shown
    assert all(source.source in done.out for source in SOURCES)


def test_ok__without_pins_the_rhythm_is_printed(command: Cli, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(NO_PINS)
    done = command("alerts", "--play", "distraction", "--config", "my.yaml")
    assert done.code == 0
    double, flashes = "buzzer on 0.12, off 0.12, on 0.12,", "LED on 0.2, off 0.2, on 0.2,"
    assert done.out.splitlines() == [
        "distraction info: buzzer silent; LED on 0.2, off 0.2, on 0.2, off 2.6 s, repeated",
        f"distraction warning: {double} off 1.14 s, repeated; {flashes} off 1 s, repeated",
        f"distraction critical: {double} off 0.39 s, repeated; {flashes} off 0.4 s, repeated",
        "no buzzer and no LED are used here (gpio); to hear the patterns, add --wav FILE",
    ]


def test_ok__an_installer_tries_the_pins_of_the_installed_configuration(
    command: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "installed.yaml").write_text("gpio: {buzzer: 17}\n")
    monkeypatch.setattr("driver_monitor.config.lock.FILE", tmp_path / "installed.yaml")
    done = command("alerts", "--play", "sleep")
    assert done.code == 2
    assert "installed.yaml:1: gpio.buzzer: unknown key" in done.err


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", ["warning", "critical"])
def test_ok__each_kind_is_told_from_the_sound_file_that_the_command_writes(
    kind: str, level: str, command: Cli, tmp_path: Path
) -> None:
    done = command("alerts", "--play", kind, "--level", level, "--wav", "it.wav")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].startswith("it.wav: ")
    samples, rate = read(tmp_path / "it.wav")
    assert recognise(samples[: -round(1.5 * rate)], rate) == (kind, level)


def test_ok__all_of_them_are_played_on_the_pins_one_after_the_other_and_the_pins_are_released() -> None:
    factory, lit, waits = MockFactory(), threading.Event(), list[float]()
    watch(factory.pin(BUZZ), lit.set)

    def wait(seconds: float) -> None:
        sounds = len(waits) % 2 == 0 and seconds and rows[len(waits) // 2].buzzer.seconds
        assert not sounds or lit.wait(5), rows[len(waits) // 2]
        lit.clear()
        waits.append(seconds)

    rows = chosen("all", None)
    assert len(rows) == len(KINDS) * len(LEVELS)
    assert [(row.kind, row.level) for row in (rows[0], rows[-1])] == [
        ("degraded", "info"),
        ("unresponsive", "critical"),
    ]
    states = factory.pin(BUZZ).states
    play(rows, MOCK, wait, factory)
    assert len(waits) == 2 * len(rows)
    assert min(waits) > 0
    assert states[-1].state == 0
    play(rows[:1], MOCK, lambda _: None, factory)


def test_fail__pins_that_cannot_be_set_are_an_error_and_are_released() -> None:
    factory, lit, asked = MockFactory(), threading.Event(), threading.Event()
    watch(factory.pin(BUZZ), lit.set)

    def refuse(value: float) -> bool:
        asked.set()
        raise OSError("bus error")

    def wait(_: float) -> None:
        assert lit.wait(5)
        if factory.pin(BUZZ)._change_state == refuse:
            assert asked.wait(5)
        factory.pin(BUZZ)._change_state = refuse

    with pytest.raises(OutputError, match="the patterns were not played to the end; check the wiring"):
        play(chosen("sleep", "warning"), MOCK, wait, factory)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--play", "sleepy"], "expected one of unresponsive, sleep, distraction, other, drowsiness, degraded, all,"),
        (["--play", "sleep", "--level", "loud"], "expected one of info, warning, critical, found 'loud'"),
        (["--wav", "x.wav"], "driver-monitor alerts: --wav needs --play KIND"),
        (["--level", "info"], "driver-monitor alerts: --level needs --play KIND"),
        (["--play", "sleep", "--level", "info", "--wav", "x.wav"], "the buzzer is silent at level info"),
        (["--play", "sleep", "--config", "none.yaml"], "none.yaml: cannot read it"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_fail__wrong_use_is_one_line(arguments: list[str], reason: str, command: Cli, tmp_path: Path) -> None:
    done = command("alerts", *arguments)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert reason in done.err
    assert not list(tmp_path.glob("*.wav"))


def test_fail__a_sound_file_is_never_replaced(command: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.wav").write_text("music")
    done = command("alerts", "--play", "sleep", "--wav", "mine.wav")
    assert (done.code, done.err) == (1, "mine.wav: the file exists already; move it or choose another name\n")
    assert (tmp_path / "mine.wav").read_text() == "music"


def test_ok__a_loudspeaker_plays_chime_and_words_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = FakeAplay(tmp_path, monkeypatch)
    loudspeaker, heard = SoundOutput(OutputsConfig(sound="plughw:1,0"), 30.0), [fake.sounds()]

    def wait(seconds: float) -> None:
        if seconds == LEAST_WITH_WORDS_S:
            heard.append(fake.sounds())

    play(chosen("distraction", "warning"), GpioConfig(backend="off"), wait, loudspeaker=loudspeaker)
    assert heard == [["silence.wav"], ["distraction-warning.wav", "words-distraction.wav"]]
    assert capsys.readouterr().out.startswith("distraction warning: buzzer on 0.12")
    assert not [thread for thread in threading.enumerate() if thread.name == "sound"]


def test_fail__a_loudspeaker_that_does_not_play_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeAplay(tmp_path, monkeypatch, "fails")
    loudspeaker = SoundOutput(OutputsConfig(sound="plughw:1,0"), 30.0)

    def wait(seconds: float) -> None:
        end = time.monotonic() + PATIENCE_S
        while not loudspeaker.faults:
            assert time.monotonic() < end

    with pytest.raises(OutputError, match=r"outputs\.sound: not every chime was played; the line above says why"):
        play(chosen("sleep", "critical"), GpioConfig(backend="off"), wait, loudspeaker=loudspeaker)
    assert fake.sounds()  # of the trial at the start, or of the chime, if that came first
    assert "aplay cannot play on plughw:1,0" in caplog.text


def test_fail__pins_that_do_not_open_leave_no_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, factory = FakeAplay(tmp_path, monkeypatch, "plays"), MockFactory()
    loudspeaker = SoundOutput(OutputsConfig(sound="plughw:1,0"), 30.0)
    process, _ = fake.call()
    monkeypatch.setattr("gpiozero.DigitalOutputDevice", lambda *_, **__: 1 / 0)
    with pytest.raises(OutputError, match="cannot be used"):
        play(chosen("sleep", "critical"), MOCK, lambda _: None, factory, loudspeaker)
    await_end(process)
