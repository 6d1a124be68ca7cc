"""A wake-up ends a wait for sockets, once, and never waits itself."""

from __future__ import annotations

import select

from driver_monitor.threads.wakeup import Wakeup


def ready(wakeup: Wakeup) -> bool:
    return bool(select.select([wakeup.socket], [], [], 0)[0])


def test_ok__it_ends_the_wait_until_it_is_cleared_however_often_it_was_called() -> None:
    wakeup = Wakeup()
    assert not ready(wakeup)
    for _ in range(100_000):  # more than the socket holds
        wakeup.wake()
    assert ready(wakeup)
    wakeup.clear()
    assert not ready(wakeup)
    wakeup.clear()
    wakeup.wake()
    assert ready(wakeup)
    wakeup.close()


def test_ok__after_the_close_it_does_nothing() -> None:
    wakeup = Wakeup()
    wakeup.close()
    wakeup.close()
    wakeup.wake()
