"""The shipped sound files: nobody can listen to them in a test, so they are measured."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from driver_monitor.data.alert import KINDS, SIGNS, Sign
from driver_monitor.outputs.sound import sounds
from tests.outputs.test_waveform import LENGTH_S, Array, read, recognise
from tools.sound import make

CHIMES = [sign for sign in SIGNS if sounds.chime(sign) is not None]
REPEATED = [sign for sign in CHIMES if sign.level != "info"]
WORDS = [name for name in (*KINDS, sounds.DISTRESS) if name != "other"]
MOST_BYTES = 800_000


def chime_of(sign: Sign) -> Path:
    path = sounds.chime(sign)
    assert path is not None
    return path


def share(samples: Array, rate: int, low: float, high: float) -> float:
    """The share of the energy between two pitches."""
    energy = np.abs(np.fft.rfft(samples)) ** 2
    pitch = np.fft.rfftfreq(len(samples), 1 / rate)
    return float(energy[(pitch >= low) & (pitch <= high)].sum() / energy.sum())


def test_ok__each_sound_that_a_sign_needs_is_shipped_and_no_other_one() -> None:
    needed = {sounds.SILENCE, *map(chime_of, CHIMES), *map(sounds.words_file, WORDS)}
    shipped = set(sounds.FOLDER.iterdir())
    assert shipped == needed
    assert sum(path.stat().st_size for path in shipped) < MOST_BYTES
    for sign in SIGNS:
        said = [sounds.words(sign, rules) for rules in ((), ("distress",))]
        assert all(path is None or path in shipped for path in said)


def test_ok__words_of_the_kind_other_belong_to_the_rule_distress_alone() -> None:
    for level in ("info", "warning", "critical"):
        (sign,) = [sign for sign in SIGNS if (sign.kind, sign.level) == ("other", level)]
        assert sounds.words(sign, ("microsleep", "seat_belt")) is None, "nobody knows what an own rule warns of"
        assert sounds.words(sign, ("seat_belt", "distress")) == sounds.words_file("distress")


@pytest.mark.parametrize("sign", REPEATED, ids=str)
def test_ok__a_person_tells_kind_and_level_by_the_rhythm_of_the_installers_page(sign: Sign) -> None:
    chime, rate = read(chime_of(sign))
    every_s = sounds.every_s(sign) or 0.0
    heard = np.zeros(round((LENGTH_S + every_s) * rate))
    for number in range(round(LENGTH_S / every_s)):
        begin = round(number * every_s * rate)
        heard[begin : begin + len(chime)] = chime
    assert recognise(heard[: round(LENGTH_S * rate)], rate) == (sign.kind, sign.level)


@pytest.mark.parametrize("sign", CHIMES, ids=str)
def test_ok__a_chime_is_where_ears_and_small_loudspeakers_are_good_and_is_not_clipped(sign: Sign) -> None:
    samples, rate = read(chime_of(sign))
    assert share(samples, rate, 500, 3000) > 0.99
    assert np.abs(samples).max() == pytest.approx(make.PEAK[sign.level], abs=0.001)
    assert abs(samples.mean()) < 0.001
    assert np.abs(np.diff(samples[: rate // 500])).max() < 0.2, "it does not begin with a click"
    assert np.abs(samples[-5:]).max() < 0.05, "nor end with one"


def test_ok__the_worse_the_level_the_higher_and_the_louder() -> None:
    loudness = [float(np.sqrt(np.square(read(chime_of(Sign("drowsiness", level)))[0]).mean())) for level in make.PEAK]
    assert loudness == sorted(loudness)
    assert list(make.PITCH_HZ.values()) == sorted(make.PITCH_HZ.values())


@pytest.mark.parametrize("name", WORDS)
def test_ok__words_are_short_loud_enough_and_not_clipped(name: str) -> None:
    samples, rate = read(sounds.words_file(name))
    assert 0.8 < len(samples) / rate < 3.5
    assert np.abs(samples).max() == pytest.approx(make.WORDS_PEAK, abs=0.001)
    assert np.sqrt(np.square(samples).mean()) > 0.1
    assert share(samples, rate, 200, 5000) > 0.9
    assert not samples[: round(0.2 * rate)].any(), "a pause after the chime"


def test_ok__the_silent_sound_is_silent() -> None:
    samples, rate = read(sounds.SILENCE)
    assert not samples.any()
    assert len(samples) == rate // 10


def test_ok__the_tool_makes_the_shipped_chimes_again() -> None:
    for sign in CHIMES:
        made, shipped = make.chime(sign), read(chime_of(sign))[0]
        assert len(made) == len(shipped)
        assert np.abs(made * 32767 - shipped * 32768).max() < 1.6, "another numpy may round differently"


@pytest.mark.parametrize("language", make.WORDS)
def test_ok__every_language_says_everything_and_no_language_names_an_expression(language: str) -> None:
    texts = make.WORDS[language]
    assert set(texts) == set(WORDS)
    assert all(0 < len(text) <= 75 for text in texts.values())
    said = " ".join(texts.values()).casefold()
    for word in (
        "anger",
        "angry",
        "fear",
        "wut",
        "angst",
        "wütend",
        "colère",
        "peur",
        "emotion",
        "émotion",
        "calm",
        "ruhig",
    ):
        assert word not in said


def test_ok__espeak_ng_says_the_words_of_another_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed: no words are made")
    monkeypatch.setattr(sys, "argv", ["make", "--language", "de", "--out", str(tmp_path)])
    make.main()
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in sounds.FOLDER.iterdir()}
    german, rate = read(tmp_path / sounds.words_file("drowsiness").name)
    assert rate == make.RATE_HZ
    assert len(german) != len(read(sounds.words_file("drowsiness"))[0])


def test_fail__without_espeak_ng_the_tool_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["make", "--out", str(tmp_path / "sounds")])
    with pytest.raises(SystemExit, match="apt-get install espeak-ng"):
        make.main()
    monkeypatch.setattr(sys, "argv", ["make", "--out", str(tmp_path / "sounds"), "--chimes-only"])
    make.main()
    assert len(list((tmp_path / "sounds").iterdir())) == len(CHIMES) + 1


def test_ok__a_sound_file_that_cannot_be_read_has_no_length(tmp_path: Path) -> None:
    (tmp_path / "cut.wav").write_bytes(b"RIFF")
    assert sounds.seconds(tmp_path / "cut.wav") == 0.0
    assert sounds.seconds(tmp_path / "missing.wav") == 0.0


def test_ok__the_installers_page_has_the_words_that_are_shipped() -> None:
    page = (Path(__file__).parents[3] / "docs" / "install.md").read_text()
    assert all(f'"{text}"' in page for text in make.WORDS["en"].values())
