"""Plays on the loudspeaker: silence, or a chime if a test is asked for."""

from __future__ import annotations

from driver_monitor.data.alert import Sign
from driver_monitor.doctor.gather.machine import Machine
from driver_monitor.doctor.verdicts.sound import SoundFacts
from driver_monitor.errors import OutputError

POLL_S = 0.05


def gather_sound(machine: Machine, device: str | None, *, beep: bool) -> SoundFacts:
    """Return whether the loudspeaker `device` (None: there is none) plays. `beep`: a chime, not only silence."""
    from driver_monitor.outputs.sound import sounds
    from driver_monitor.outputs.sound.aplay import Aplay

    if device is None:
        return SoundFacts(None)
    chime = sounds.chime(Sign("distraction", "warning")) if beep else None
    file = chime or sounds.SILENCE
    player, now = Aplay(device), 0.0
    try:
        player.start([file], sounds.seconds(file), now)
        while player.check(now):
            machine.wait(POLL_S)
            now += POLL_S
    except OutputError as error:
        return SoundFacts(device, str(error))
    finally:
        player.stop()
    return SoundFacts(device, heard=beep)
