"""The spool: every alert that may leave the car, on disk until the operator says that it is stored.

SQLite with a write-ahead log and `synchronous=FULL`: when `put` has returned True, the alert survives a power cut. An
alert leaves by `confirm` alone. What the broker says (PUBACK) proves nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from driver_monitor.data.alert import LEVELS
from driver_monitor.spool.absent import MOST_RANGES
from driver_monitor.spool.clock import Moment, SpoolClock, running_clock, wall_clock
from driver_monitor.spool.disk import NoDiskError, SpoolDisk
from driver_monitor.spool.entry import SpoolCounts, SpoolEntry, SpoolLimits
from driver_monitor.spool.file import open_memory
from driver_monitor.spool.store import SpoolStore, StoreCounts

TEND_S = 10.0
"""Time between two looks at what is too old (ours)."""
CLOSE_S = 1.0
"""Longest wait of `close` for another thread that waits for the disk (ours)."""
MEMORY_BYTES = 4_000_000
"""Most bytes of alerts in memory while the disk fails: some 2,000 alerts (ours)."""
LONGEST_ID = 100
"""Characters of an id; a UUID has 36."""

log = logging.getLogger(__name__)
T = TypeVar("T")


class Spool:
    """The spool in `folder`, which is created if necessary. It never raises: a disk that fails ends nothing.

    All methods may be called in any thread. `put`, `waiting`, `confirm`, `tend` and `close` wait for the disk, so call
    them in a thread that may wait; `counts` and `fault` do not wait. While the disk fails, alerts are kept in memory.
    `monotonic`: returns seconds. `wall`: returns seconds since 1970, and whether this clock is known to be set.
    """

    def __init__(
        self,
        folder: Path,
        limits: SpoolLimits | None = None,
        monotonic: Callable[[], float] = running_clock,
        wall: Callable[[], tuple[float, bool]] = wall_clock,
    ) -> None:
        self._limits = limits or SpoolLimits()
        self._clock = SpoolClock(monotonic, wall)
        self._disk = SpoolDisk(folder, self._limits)
        self._memory: SpoolStore | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._tend_s = 0.0
        self._last_seq: int | None = None
        self._disk_counts = StoreCounts()
        self._counts, self._ages = SpoolCounts(), tuple[Callable[[Moment], float], ...]()
        now = self._clock.now()
        self._tend(now)
        self._count(now)

    @property
    def fault(self) -> str | None:
        """Why alerts cannot be kept on disk at present, in one line; else None. Each new fault is logged once."""
        return self._disk.fault

    def put(self, entry: SpoolEntry) -> bool:
        """Keep `entry`. True: it is safe on disk. False: it is in memory, or was dropped and counted.

        Give the alerts in the order of their numbers. An entry whose id is known already changes nothing.
        """
        with self._lock:
            if self._closed:
                return False
            now = self._clock.now()
            self._tend(now)
            try:
                safe = self._write(lambda store: store.put(entry, now), now)
            except NoDiskError:
                self._in_memory(now).put(entry, now)
                safe = False
            self._last_seq = entry.seq
            self._count(now)
            return safe

    def waiting(self, limit: int, without: Collection[str] = ()) -> list[SpoolEntry]:
        """Return at most `limit` entries that are not confirmed, the worst first, of one level the oldest first.

        `without`: ids that are left out: those that were sent and wait for an answer.
        """
        with self._lock:
            if self._closed:
                return []
            now = self._clock.now()
            self._tend(now)
            found = self._read(lambda store: store.waiting(limit, without), now) or []
            if self._memory is not None:
                found += self._memory.waiting(limit, without)
            self._count(now)
            return sorted(found, key=lambda entry: -LEVELS.index(entry.level))[:limit]

    def confirm(self, ids: Iterable[str]) -> int:
        """Take the alerts of these ids out of what waits: the operator has stored them. Unknown ids are ignored.

        Returns how many waited. If the disk fails, those on disk go on waiting, and are confirmed when sent again.
        """
        known = [id_ for id_ in ids if isinstance(id_, str) and id_.isascii() and len(id_) <= LONGEST_ID]
        with self._lock:
            if self._closed or not known:
                return 0
            now = self._clock.now()
            self._tend(now)
            confirmed = self._memory.confirm(known, now) if self._memory is not None else 0
            with suppress(NoDiskError):
                confirmed += self._write(lambda store: store.confirm(known, now), now)
            self._count(now)
            return confirmed

    def tend(self) -> None:
        """Forget what is too old. For an owner that neither puts nor sends alerts."""
        with self._lock:
            if not self._closed:
                now = self._clock.now()
                self._tend(now)
                self._count(now)

    def counts(self) -> SpoolCounts:
        """Return the numbers for the status, as they were after the last call. Never waits for the disk."""
        now = self._clock.now()
        return replace(self._counts, oldest_s=max((age(now) for age in self._ages), default=None))

    def close(self) -> None:
        """Close the file; may be called twice. If another thread waits for a disk that hangs, the file stays open."""
        if not self._lock.acquire(timeout=CLOSE_S):
            return
        try:
            if not self._closed:
                now = self._clock.now()
                if self._memory is not None:
                    self._tend(now, retry=True)
                self._count(now)
                self._closed = True
                self._disk.close(now)
                self._tell_lost()
        finally:
            self._lock.release()

    def _tell_lost(self) -> None:
        """Log how many alerts are lost because the disk fails to the end."""
        lost = 0 if self._memory is None else self._memory.counts().waiting
        if lost:
            log.error("%s; %d alerts in memory are lost, because the daemon ends", self._disk.fault, lost)

    def _write(self, work: Callable[[SpoolStore], T], now: Moment, retry: bool = False) -> T:
        """Return what `work` returns with the store on disk, which first gets what is in memory.

        Raises `NoDiskError`.
        """

        def with_memory(store: SpoolStore) -> T:
            if self._memory is not None:
                store.take_over(self._memory, now)
                self._memory = None
            return work(store)

        return self._disk.use(with_memory, now, retry)

    def _tend(self, now: Moment, retry: bool = False) -> None:
        """Open the disk if it is not open, and forget what is too old if it is time for that."""
        if now.ran_s < self._tend_s and self.fault is None:
            return
        with suppress(NoDiskError):
            more = self._write(lambda store: store.tend(now), now, retry)
            self._tend_s = now.ran_s + (0.0 if more else TEND_S)

    def _in_memory(self, now: Moment) -> SpoolStore:
        if self._memory is None:
            limits = replace(self._limits, size=min(MEMORY_BYTES, self._limits.size))
            self._memory = SpoolStore(open_memory(), limits, now)
            if self._last_seq is not None:
                self._memory.go_on_after(self._last_seq)
        return self._memory

    def _read(self, work: Callable[[SpoolStore], T], now: Moment) -> T | None:
        """Return what `work` returns with the store on disk, also while it cannot be written; None: nor be read."""
        with suppress(NoDiskError):
            return self._write(work, now)
        with suppress(NoDiskError):
            return self._disk.read(work)
        return None

    def _count(self, now: Moment) -> None:
        self._disk_counts = self._read(SpoolStore.counts, now) or self._disk_counts
        parts = [self._disk_counts, *([self._memory.counts()] if self._memory is not None else [])]
        self._ages = tuple(part.age for part in parts if part.age is not None)
        self._counts = SpoolCounts(
            waiting=sum(part.waiting for part in parts),
            size=self._disk.size(),
            dropped=sum(part.dropped for part in parts),
            absent=tuple(one for part in parts for one in part.absent)[-MOST_RANGES:],
        )
