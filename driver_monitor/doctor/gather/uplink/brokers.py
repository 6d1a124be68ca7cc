"""Tries each broker as the daemon would."""

from __future__ import annotations

import time
from collections.abc import Callable

from driver_monitor.doctor.verdicts.uplink.judge import BrokerFacts
from driver_monitor.errors import ConfigError
from driver_monitor.mqtt.broker import Broker
from driver_monitor.mqtt.client import ClientSettings
from driver_monitor.mqtt.login import Login
from driver_monitor.outputs.uplink import faults
from driver_monitor.outputs.uplink.connection import BrokerConnection
from driver_monitor.outputs.uplink.faults import UplinkFault
from driver_monitor.outputs.uplink.link import SESSION_S

CONNECT_S = 3.0
"""Longest wait for TCP and each step of TLS (ours): 16 brokers within the time limit of the check."""
ANSWER_S = 3.0
"""Longest wait for the broker's answer (ours)."""


def try_broker(broker: Broker, login: Login, vehicle: str, clock: Callable[[], float] = time.monotonic) -> BrokerFacts:
    """Return whether `broker` lets this vehicle in. Messages that wait there for the daemon stay there."""
    settings = ClientSettings(
        vehicle, clean_start=False, session_expiry_s=SESSION_S, manual_ack=True, connect_s=CONNECT_S
    )
    try:
        connection = BrokerConnection(broker, login, settings)
        connection.open()
    except (OSError, ValueError, ConfigError) as error:
        return _facts(broker, faults.of_attempt(str(broker), error))
    try:
        end = clock() + ANSWER_S
        while connection.ended is None and clock() < end:
            connection.serve(0.1)
            if (answer := connection.heard().answer) is not None:
                fault = faults.of_answer(str(broker), answer.code, answer.reason, vehicle) if answer.code else None
                return _facts(broker, fault)
        if connection.ended is not None:
            return _facts(broker, _of_end(broker, *connection.ended, vehicle))
        return _facts(broker, faults.silent(str(broker)))
    finally:
        connection.leave()


def _of_end(broker: Broker, code: int, reason: str, vehicle: str) -> UplinkFault:
    """Return the fault of a connection that ended before the broker's answer.

    A broker that refuses a certificate closes the connection. Why is often lost on the way (measured with mosquitto
    2.0.11 and TLS 1.3): then the network only says that it has ended.
    """
    fault = faults.of_end(str(broker), code, reason, vehicle)
    if fault.kind != "lost" or not broker.tls:
        return fault
    advice = "ask the operator whether the certificate is revoked, and whether it is of this depot (uplink.certificate)"
    return UplinkFault(
        "ours", f"{broker}: closes the connection without an answer, as for a wrong certificate; {advice}"
    )


def _facts(broker: Broker, fault: UplinkFault | None) -> BrokerFacts:
    return BrokerFacts(str(broker), *((fault.kind, fault.text) if fault is not None else ()))
