"""Decides which alerts are sent next, and again. Pure: no clock, no thread, no socket; time comes with each call.

An alert is with the session from its first sending until the operator has stored it. Two limits hold: few alerts may
wait for the broker (PUBACK), more for the operator (`stored`). All others wait on disk, however many they are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass

from driver_monitor.data.alert import LEVELS
from driver_monitor.spool.entry import SpoolEntry

WINDOW = 16
"""Most alerts that wait for the broker at a time (ours). mosquitto takes 20 messages before it acknowledges one."""
UNANSWERED = 256
"""Most alerts that wait for the operator at a time (ours), each of about 2 kB. At 1 s from an alert to the answer that
is 256 alerts a second."""
AGAIN_S, LONGEST_AGAIN_S = 60.0, 3600.0
"""Time after which an alert without an answer is sent again. It doubles each time up to the longest (ours: the
operator's database may be away for a minute or for a night)."""
STUCK_TIMES, MOST_STUCK = 3, 1024
"""An alert is stuck when it was sent so often without an answer although one that was sent later was stored, or when
the broker refuses it. So many stuck alerts take no place from others (ours); each has about 2 kB."""
REFUSED, NOBODY = 0x80, 0x10
"""Answers of a broker to an alert (PUBACK reason codes, MQTT 5, 3.4.2.1): from `REFUSED` on it refuses the alert.
`NOBODY`: it has accepted the alert and forgotten it, because no collector is connected to it."""
NOBODY_S = 5.0
"""Time after which an alert that nobody got is sent again (ours). It doubles, up to the usual time: collectors
are back within seconds after a broker was away."""
SILENT_S = 30.0
"""Time after which a broker that has not acknowledged an alert counts as dead (ours)."""
MOST_IDS = 500
"""Most ids in a message `stored`: what collectors keep to."""
LONGEST_ID = 64
"""Characters of an id; a UUID has 36."""


@dataclass(slots=True)
class _Tracked:
    """An alert that was sent or is sent next.

    `due`: when it is sent. `sent_at`: when it was sent last. `flying`: the broker owes an acknowledgement. `times`: how
    often it was sent. `unanswered`: how often of these because no answer came. `cut`: it is sent again because of a new
    connection. `stuck`: see `STUCK_TIMES`.
    """

    entry: SpoolEntry
    due: float
    sent_at: float = -math.inf
    flying: bool = False
    times: int = 0
    unanswered: int = 0
    cut: bool = False
    stuck: bool = False

    def send(self, now: float) -> None:
        """Count a sending at `now`, and set when the next one is due."""
        if self.times and not self.cut:
            self.unanswered += 1
        self.times += 1
        self.flying, self.cut, self.sent_at = True, False, now
        self.due = now + min(AGAIN_S * 2 ** min(self.unanswered, 10), LONGEST_AGAIN_S)

    def send_again(self, now: float) -> None:
        """Make it due at `now`: the connection it was sent through has ended."""
        self.flying, self.cut, self.due = False, True, now


class UplinkSession:
    """The alerts that are being sent. The owner has a spool, a connection and a clock (seconds, of any origin).

    In each round the owner asks `wanted`, reads as many entries from the spool (without `ids`), gives them to `offer`,
    and publishes what `take` returns. It reports what happens: `connected`, `disconnected`, `published`, `stored` (and
    confirms the returned ids in the spool), and `added` when a new alert is in the spool.

    `resent`: alerts sent more than once. `refused`: messages `stored` that made no sense, and alerts that the broker
    refused.
    """

    def __init__(self, window: int = WINDOW, unanswered: int = UNANSWERED) -> None:
        self.resent = self.refused = 0
        self.online = False
        self._window, self._most = window, unanswered
        self._tracked: dict[str, _Tracked] = {}
        self._more = self._new = True

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the alerts that are with the session, which the spool need not give again."""
        return frozenset(self._tracked)

    def added(self) -> None:
        """A new alert is in the spool."""
        self._more = self._new = True

    def connected(self, now: float, *, resumed: bool) -> None:
        """A broker has accepted the connection. `resumed`: it still has the session of an earlier one.

        What it has not acknowledged is sent again at once. A broker that has lost the session, or that is another one,
        may have lost everything: then all alerts without an answer are sent again at once.
        """
        self.online = self._more = True
        for one in self._tracked.values():
            if one.flying or (not resumed and one.times and not one.stuck):
                one.send_again(now)
            if not resumed:
                one.unanswered = 0

    def disconnected(self) -> None:
        """The connection has ended."""
        self.online = False

    def wanted(self) -> int:
        """Return how many entries to read from the spool now; 0: none."""
        if not self.online or not self._more:
            return 0
        free = self._most - self._in_use()
        ready = sum(one.times == 0 for one in self._tracked.values())
        if self._new:  # it may be worse than those that are ready
            return self._window
        return min(free, 2 * self._window - ready) if ready < self._window else 0

    def offer(self, entries: Iterable[SpoolEntry], wanted: int, now: float) -> None:
        """Take entries that were read from the spool, the worst first. `wanted`: how many were asked for."""
        count = 0
        for entry in entries:
            count += 1
            if entry.id not in self._tracked and self._has_place_for(entry):
                self._tracked[entry.id] = _Tracked(entry, now)
        self._new = False
        if count < wanted:
            self._more = False

    def take(self, now: float, most: int = WINDOW) -> list[SpoolEntry]:
        """Return the entries to publish now, in this order, at most `most`. They count as sent."""
        place = min(most, self._window - sum(one.flying for one in self._tracked.values()))
        if not self.online or place <= 0:
            return []
        due = sorted((one for one in self._tracked.values() if not one.flying and one.due <= now), key=_rank)
        for one in due[:place]:
            self.resent += one.times > 0
            one.send(now)
        return [one.entry for one in due[:place]]

    def published(self, id_: str, code: int = 0) -> None:
        """The broker has answered an alert with `code` (see `REFUSED`, `NOBODY`). It waits for the operator."""
        self.refused += code >= REFUSED
        if (one := self._tracked.get(id_)) is not None:
            one.flying = False
            if code >= REFUSED:
                self._set_aside([one])
            elif code == NOBODY:
                one.due = min(one.due, one.sent_at + NOBODY_S * 2 ** min(one.unanswered, 10))

    def stored(self, payload: bytes) -> list[str]:
        """Return the ids that the operator has stored, for the spool to confirm. `payload`: of a message `stored`.

        A message that is no list of ids, or a longer one than collectors send, is counted and changes nothing.
        """
        ids = _ids(payload)
        if ids is None:
            self.refused += 1
            return []
        found = [one for id_ in ids if (one := self._tracked.pop(id_, None)) is not None]
        if found:
            self._more = True
            latest = max(one.sent_at for one in found)
            waiting = self._tracked.values()
            self._set_aside([one for one in waiting if one.times >= STUCK_TIMES and one.sent_at < latest])
        return ids

    def silent(self, now: float) -> bool:
        """Return whether the broker owes an acknowledgement for longer than `SILENT_S`."""
        return self.online and any(one.flying and now - one.sent_at > SILENT_S for one in self._tracked.values())

    def next_at(self) -> float | None:
        """Return when the next alert is due, or a broker counts as silent; None: only an event changes something."""
        flying = [one.sent_at + SILENT_S for one in self._tracked.values() if one.flying]
        if len(flying) < self._window:
            flying += [one.due for one in self._tracked.values() if not one.flying]
        return min(flying, default=None) if self.online else None

    def _in_use(self) -> int:
        return sum(not one.stuck for one in self._tracked.values())

    def _set_aside(self, stuck: list[_Tracked]) -> None:
        """Let `stuck` alerts take no place from others, as long as they are not too many."""
        place = MOST_STUCK - sum(one.stuck for one in self._tracked.values())
        for one in [one for one in stuck if not one.stuck][:place]:
            one.stuck = self._more = True

    def _has_place_for(self, entry: SpoolEntry) -> bool:
        """Make place for `entry`, if need be by leaving a milder alert to the disk. Returns whether there is place."""
        if self._in_use() < self._most:
            return True
        others = [one for one in self._tracked.values() if not one.flying and not one.stuck]
        mildest = max(others, key=_rank, default=None)
        if mildest is None or LEVELS.index(mildest.entry.level) >= LEVELS.index(entry.level):
            return False
        del self._tracked[mildest.entry.id]
        return True


def _rank(one: _Tracked) -> tuple[int, int]:
    """The worst first, of one level the oldest first."""
    return -LEVELS.index(one.entry.level), one.entry.seq


def _ids(payload: bytes) -> list[str] | None:
    if len(payload) > MOST_IDS * (LONGEST_ID + 4):
        return None
    try:
        ids = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(ids, list) or len(ids) > MOST_IDS:
        return None
    return ids if all(isinstance(one, str) and len(one) <= LONGEST_ID for one in ids) else None
