"""The collector: broker, store, acknowledgement, answer.

A message is acknowledged to the broker after COMMIT only. Then the vehicle is told which of its alerts are stored. So a
collector may be killed at any moment: what it had not stored comes again, from the broker or from the vehicle.
"""

from __future__ import annotations

import logging
import os
import random
import select
import socket
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from driver_monitor.errors import ConfigError, OutputError
from driver_monitor.fleet.collect.answers import Outbox, answers
from driver_monitor.fleet.collect.counts import CollectorCounts
from driver_monitor.fleet.collect.inbox import BATCH_ROWS, Arrived, Inbox
from driver_monitor.fleet.collect.parse import parse
from driver_monitor.fleet.collect.storing import StoringThread
from driver_monitor.fleet.store.rows import AlertRow, DeadLetter, PutResult, Row
from driver_monitor.fleet.store.store import Store
from driver_monitor.mqtt import topics
from driver_monitor.mqtt.broker import Broker
from driver_monitor.mqtt.client import ClientSettings, build_client, connect, digest_in, serve, trouble
from driver_monitor.mqtt.login import Login
from driver_monitor.threads.wakeup import Wakeup

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage

RETRY_S, LONGEST_RETRY_S = 0.5, 10.0
"""Time until the broker is tried again. It doubles up to the longest, with jitter (ours)."""
SLOW_S = 10.0
"""Time after which a batch that is not stored is told in the log (ours)."""
MOST_FLYING = 20
"""Answers that wait for the broker before the next is sent, unless the broker allows more (mosquitto: 20)."""
FLOOD = 100
"""Messages that are read before anything else is done (ours)."""
LONGEST_WAIT_S = 1.0
"""Longest time between two calls of `progress` (ours)."""
CLOSE_S, FAREWELL_S = 0.8, 0.3
"""Time for the last batch after SIGTERM, and for its acknowledgements and answers (ours). The process ends by force
after 1.5 s (`app.process.stop`)."""

log = logging.getLogger(__name__)


class Collector:
    """Collects until `stop` is called. `clock`: monotonic seconds. `progress` is called in each round.

    Raises `ConfigError`: the key or the password of `login` cannot be read.
    """

    def __init__(
        self,
        broker: Broker,
        login: Login,
        store: Store,
        clock: Callable[[], float] = time.monotonic,
        progress: Callable[[], object] = lambda: None,
    ) -> None:
        self.counts = CollectorCounts()
        self._group = login.share_group()
        self._broker, self._login, self._clock, self._progress = broker, login, clock, progress
        self._settings = ClientSettings(
            f"collect-{socket.gethostname():.40}-{os.getpid()}-{random.randrange(2**32):08x}",
            receive_maximum=BATCH_ROWS,
            manual_ack=True,
            keepalive_s=30,
        )
        self._stopping = False
        self._wakeup = Wakeup()
        self._storing = StoringThread(store, self._wakeup.wake)
        self._inbox, self._outbox = Inbox(), Outbox()
        self._client: Client | None = None
        self._in_store: list[Arrived] = []
        self._in_store_of: Client | None = None
        self._given_at = 0.0
        self._slow = self._down = False
        self._retry_at, self._retry_s = 0.0, RETRY_S
        self._most_flying = MOST_FLYING

    def stop(self) -> None:
        """End `run` soon. May be called in a signal handler."""
        self._stopping = True
        self._wakeup.wake()

    def run(self) -> None:
        """Collect. Returns after `stop`. Raises `DriverMonitorError` if the store has no schema or another one."""
        self._storing.worker.start()
        try:
            while not self._stopping:
                self._round()
        finally:
            self._close()

    def oldest_s(self) -> float:
        """Return for how long the oldest message that is not acknowledged has waited, seconds; 0.0 without one."""
        oldest_at = self._given_at if self._storing.busy else self._inbox.oldest_at
        return max(0.0, self._clock() - oldest_at)

    def _round(self) -> None:
        now = self._clock()
        self._progress()
        self._check_store(now)
        if self._client is None and self._storing.ready and now >= self._retry_at:
            self._connect()
        if not self._storing.busy and self._client is not None:
            self._give(now)
        wait_s = self._wait_s(now)
        if self._client is not None:
            client = self._client
            if not self._serve(client, wait_s) and self._client is client:
                self._lost("the connection has ended")
        else:
            self._pause(wait_s)
        self._wakeup.clear()
        if (done := self._storing.take()) is not None:
            self._stored(*done)
        self._tell()

    def _serve(self, client: Client, wait_s: float) -> bool:
        """Read and write; False if the connection has ended. A flood is read without a poll between two messages."""
        before = self.counts.messages
        try:
            alive = serve(client, wait_s, self._wakeup.socket)
            for _ in range(FLOOD):
                if self.counts.messages == before or not alive:
                    break
                before = self.counts.messages
                client.loop_read()
                alive = client.socket() is not None
        except Exception as error:  # paho has exceptions of its own for packets that break the protocol
            self._lost(f"a packet that cannot be read: {type(error).__name__}: {error}")
            return False
        return alive

    def _wait_s(self, now: float) -> float:
        wait_s = LONGEST_WAIT_S
        if not self._storing.busy and self._client is not None:
            wait_s = min(wait_s, self._inbox.wait_s(now))
        if self._client is None and self._storing.ready:
            wait_s = min(wait_s, max(0.0, self._retry_at - now))
        return wait_s

    def _check_store(self, now: float) -> None:
        if self._storing.worker.failure is not None:
            raise OutputError(self._storing.worker.failure)
        self.counts.store_down = self._storing.down
        slow = self._storing.busy and not self._storing.down and now - self._given_at > SLOW_S
        if slow and not self._slow:
            log.warning("the store has not answered for %.0f s; nothing is acknowledged until it answers", SLOW_S)
        self._slow = slow

    # The broker.

    def _connect(self) -> None:
        try:
            client = build_client(self._broker, self._login, self._settings)
            client.on_connect = self._on_connect
            client.on_message = self._on_message
            client.on_publish = lambda _client, _data, mid, _code, _properties: self._outbox.landed(mid)
            client.max_inflight_messages_set(BATCH_ROWS)
            connect(client, self._broker, self._settings)
        except ConfigError as error:  # files of the login that are being exchanged
            self._lost(str(error))
            return
        except (OSError, ValueError) as error:
            self._lost(f"the broker cannot be reached: {trouble(error)}")
            return
        self._client = client

    def _on_connect(self, client: Client, _data: object, _flags: object, code: Any, properties: Any) -> None:
        if code.is_failure:
            self._lost(f"the broker refuses this collector: {code}")
            return
        self._most_flying = min(getattr(properties, "ReceiveMaximum", 65_535), BATCH_ROWS)
        wanted = (topics.EACH_ALERT, topics.EACH_STATUS, topics.EACH_ONLINE)
        client.on_subscribe = self._on_subscribe
        client.subscribe([(topics.shared(pattern, self._group), 1) for pattern in wanted])

    def _on_subscribe(self, _client: Client, _data: object, _mid: int, codes: Sequence[Any], _properties: Any) -> None:
        if any(code.is_failure for code in codes):
            self._lost(f"the broker refuses the shared subscription of all collectors: {codes[0]}")
            return
        log.info("connected to %s", self._broker)
        self.counts.connected, self._down, self._retry_s = True, False, RETRY_S

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.counts.messages += 1
        if message.qos == 0 and len(self._inbox) >= BATCH_ROWS:
            return  # Receive Maximum does not hold these back, and their sender does not ask whether they arrive
        row = None if message.retain else self._row(message)
        self._inbox.add(Arrived(message.mid if message.qos else None, row), self._clock())

    def _row(self, message: MQTTMessage) -> Row:
        received, payload = datetime.now(timezone.utc), bytes(message.payload)
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return DeadLetter("(not UTF-8)", payload, "topic: it is not UTF-8", received)
        try:
            return parse(topic, payload, digest_in(message.properties), received)
        except Exception:
            # It would come back for ever, and stop the messages of all vehicles each time.
            log.exception("%s: this message cannot be read; this is a bug, please report it", topic)
            return DeadLetter(topic, payload, "program: a bug in this program", received)

    def _lost(self, reason: str) -> None:
        """Give the connection up: what is not acknowledged comes again. The next attempt has to wait."""
        if not self._down:
            log.warning("%s: %s; trying again", self._broker, reason)
        self._down, self.counts.connected = True, False
        client, self._client = self._client, None
        if client is not None:
            client.on_message = client.on_connect = client.on_publish = None
            client.disconnect()
        self._inbox = Inbox()
        self._outbox.disconnected()
        self._retry_at = self._clock() + self._retry_s * random.uniform(0.5, 1.0)
        self._retry_s = min(self._retry_s * 2, LONGEST_RETRY_S)

    # The store.

    def _give(self, now: float) -> None:
        batch = self._inbox.take(now)
        if not batch:
            return
        self._in_store, self._in_store_of, self._given_at = batch, self._client, now
        self._storing.give([arrived.row for arrived in batch if arrived.row is not None])

    def _stored(self, rows: Sequence[Row], result: PutResult) -> None:
        """Acknowledge a stored batch, and prepare what the vehicles are told."""
        batch, self._in_store = self._in_store, []
        # The numbers of an earlier connection are those of other messages now.
        if self._client is not None and self._client is self._in_store_of:
            for arrived in batch:
                if arrived.mid is not None:
                    self._client.ack(arrived.mid, 1)
        alerts = [row for row in rows if isinstance(row, AlertRow)]
        self._count(alerts, rows, result)
        told = [(row.vehicle, row.id) for index, row in enumerate(alerts) if index not in result.refused]
        for answer in answers(told):
            self._outbox.add(answer)

    def _count(self, alerts: Sequence[AlertRow], rows: Sequence[Row], result: PutResult) -> None:
        now = datetime.now(timezone.utc)
        self.counts.batches += 1
        for index, alert in enumerate(alerts):
            if index in result.known:
                self.counts.duplicates += 1
            elif index not in result.refused:
                self.counts.new_alert((now - alert.t_wall).total_seconds())
        dead = [row.reason for row in rows if isinstance(row, DeadLetter)]
        for reason in (*dead, *result.refused.values(), *result.spoiled):
            self.counts.dead_letter(reason)

    def _tell(self) -> None:
        while self._client is not None and self.counts.connected and self._outbox.flying < self._most_flying:
            answer = self._outbox.next()
            if answer is None:
                return
            sent = self._client.publish(topics.stored(answer.vehicle), answer.payload, qos=1)
            self._outbox.flies(sent.mid, answer)
            self.counts.told += len(answer.ids)

    # Waiting and ending.

    def _pause(self, wait_s: float) -> None:
        select.select([self._wakeup.socket], [], [], wait_s)

    def _close(self) -> None:
        """Finish the batch that is being stored, acknowledge it, tell the vehicles, and leave."""
        closed = self._storing.close(CLOSE_S)
        if closed and (done := self._storing.take()) is not None:
            self._stored(*done)
        end = self._clock() + FAREWELL_S
        while self._client is not None and (self._outbox or self._client.want_write()) and self._clock() < end:
            self._tell()
            if not serve(self._client, FAREWELL_S / 10):
                break
        if self._client is not None:
            self._client.disconnect()
        self._wakeup.close()
