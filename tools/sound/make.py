"""Makes the sound files of the loudspeaker: chimes by numpy, words by eSpeak NG.

    python -m tools.sound.make [--language de] [--out FOLDER] [--chimes-only]

The words need `apt-get install espeak-ng`. Each run writes the same files with the same versions. To ship another
language, run it before you build the package.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import wave
from pathlib import Path
from typing import Any

import numpy as np

from driver_monitor.data.alert import SIGNS, Level, Sign
from driver_monitor.outputs.sound import sounds

Samples = np.ndarray[Any, np.dtype[np.float64]]
"""Samples from -1 to 1, at `RATE_HZ`."""
RATE_HZ = 12000
"""Samples per second (ours): enough for speech, half the size of what eSpeak NG writes, and a quarter of the 48,000 of
most sound cards."""
PITCH_HZ: dict[Level, float] = {"info": 660.0, "warning": 880.0, "critical": 990.0}
"""The pitch of a chime (ours): the higher, the more urgent. Its partials end at 2970 Hz, where small loudspeakers are
good and where engine and road are quiet."""
PARTIALS: dict[Level, tuple[float, ...]] = {
    "info": (1.0, 0.2),
    "warning": (1.0, 0.5, 0.25),
    "critical": (1.0, 0.8, 0.6),
}
"""Loudness of the partials, from the pitch itself on (ours): more of them sound sharper."""
PEAK: dict[Level, float] = {"info": 0.3, "warning": 0.6, "critical": 0.9}
"""The loudest sample of a chime (ours)."""
WORDS_PEAK = 0.8
"""The loudest sample of the words (ours)."""
RISE_S = 0.01
"""Time in which a pulse rises to its full loudness, or falls from it (ours). Without it, each pulse clicks."""
BEFORE_WORDS_S = 0.25
"""Silence between the chime and the words (ours)."""
SPEED = 150
"""Words per minute. eSpeak NG's own 175 are hard to follow in a car (ours)."""
PRESSED = 2.5
"""How far the loud parts of the words are pressed down (ours): a whisper beside the chimes would not be understood."""
QUIET = 0.01
"""Samples below this share of the loudest one are silence, at the ends of the words (ours)."""
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "sleep": "Wake up! Stop when it is safe.",
        "unresponsive": "Look at the road! Stop when it is safe.",
        "distraction": "Eyes on the road.",
        "drowsiness": "You are tired. Take a break.",
        "degraded": "The camera cannot see you.",
        sounds.DISTRESS: "Take a break when it is safe.",
    },
    "de": {
        "sleep": "Aufwachen! Halten Sie an, sobald es sicher ist.",
        "unresponsive": "Schauen Sie auf die Straße! Halten Sie an, sobald es sicher ist.",
        "distraction": "Augen auf die Straße.",
        "drowsiness": "Sie sind müde. Machen Sie eine Pause.",
        "degraded": "Die Kamera sieht Sie nicht.",
        sounds.DISTRESS: "Machen Sie eine Pause, sobald es sicher ist.",
    },
    "fr": {
        "sleep": "Réveillez-vous ! Arrêtez-vous dès que possible.",
        "unresponsive": "Regardez la route ! Arrêtez-vous dès que possible.",
        "distraction": "Regardez la route.",
        "drowsiness": "Vous êtes fatigué. Faites une pause.",
        "degraded": "La caméra ne vous voit pas.",
        sounds.DISTRESS: "Faites une pause dès que possible.",
    },
}
"""What is said, by language and by the name of the file (`sounds.words_file`): what is wrong, and what to do. Nothing
names an expression: passengers hear it too."""


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--language", choices=sorted(WORDS), default="en")
    parser.add_argument("--out", type=Path, default=sounds.FOLDER, help="default: the folder of the package")
    parser.add_argument("--chimes-only", action="store_true", help="write no words: eSpeak NG is not needed")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    made = {sounds.SILENCE.name: np.zeros(RATE_HZ // 10)}
    made |= {path.name: chime(sign) for sign in SIGNS if (path := sounds.chime(sign)) is not None}
    if not given.chimes_only:
        program = shutil.which("espeak-ng")
        if program is None:
            sys.exit("espeak-ng is not installed; run `apt-get install espeak-ng`, or add --chimes-only")
        texts = WORDS[given.language]
        made |= {sounds.words_file(name).name: say(program, given.language, text) for name, text in texts.items()}
    for name, samples in made.items():
        write(given.out / name, samples)
    size = sum((given.out / name).stat().st_size for name in made)
    print(f"{given.out}: {len(made)} files, {size // 1000} KB")


def chime(sign: Sign) -> Samples:
    """Return the chime of `sign`: the pulses of the buzzer as tones, without the silence after the last one."""
    pattern, count = sounds.pattern(sign), sounds.bursts(sign)
    end_s = count * pattern.every_s - pattern.seconds[-1]
    times = np.arange(round(end_s * RATE_HZ)) / RATE_HZ
    tone = np.zeros(len(times))
    for number, share in enumerate(PARTIALS[sign.level], 1):
        tone += share * np.sin(2 * np.pi * PITCH_HZ[sign.level] * number * times)
    points, loudness, at = [0.0], [0.0], 0.0
    while at < end_s - 1e-9:
        on, left = pattern.at(at)
        end = end_s if left is None else min(at + left, end_s)
        if on:
            points += [at, at + RISE_S, end - RISE_S, end]
            loudness += [0.0, 1.0, 1.0, 0.0]
        at = end
    sound: Samples = tone * np.interp(times, points, loudness)
    return _scaled(sound, PEAK[sign.level])


def say(program: str, language: str, text: str) -> Samples:
    """Return `text` as eSpeak NG says it, after a short silence."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "words.wav"
        subprocess.run([program, "-v", language, "-s", str(SPEED), "-w", str(path), text], check=True)
        with wave.open(str(path)) as file:
            rate = file.getframerate()
            spoken = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
    loud = np.flatnonzero(np.abs(spoken) > QUIET * np.abs(spoken).max())
    spoken = resampled(spoken[loud[0] : loud[-1] + 1], rate)
    even = np.tanh(_scaled(spoken, PRESSED))
    return np.concatenate([np.zeros(round(BEFORE_WORDS_S * RATE_HZ)), _scaled(even, WORDS_PEAK)])


def _scaled(samples: Samples, peak: float) -> Samples:
    scaled: Samples = samples * (peak / float(np.abs(samples).max()))
    return scaled


def resampled(samples: Samples, rate: int) -> Samples:
    """Return `samples` of `rate` a second at `RATE_HZ`. What is higher than half of `RATE_HZ` is left out."""
    count = round(len(samples) * RATE_HZ / rate)
    spectrum = np.fft.rfft(samples)[: count // 2 + 1]
    sound: Samples = np.fft.irfft(spectrum, count)
    return sound


def write(path: Path, samples: Samples) -> None:
    """Write `samples` as WAV, 16 bits, mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    main()
