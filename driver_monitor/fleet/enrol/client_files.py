"""The folder of a vehicle and that of the operator's programs: keys, lines of configuration, instructions."""

from __future__ import annotations

from collections.abc import Sequence

from driver_monitor.fleet.enrol.broker_files import OPERATOR_PORT
from driver_monitor.mqtt.broker import TLS_PORT, Broker

INSTALLED = "/etc/driver-monitor/uplink"
"""Where the files lie in a vehicle."""


def uplink_lines(vehicle: str, hosts: Sequence[str]) -> str:
    """Return the lines for a vehicle's config.yaml."""
    brokers = ", ".join(f'"{Broker(host, TLS_PORT, tls=True)}"' for host in hosts)
    return f"""vehicle:
  id: "{vehicle}"
uplink:
  brokers: [{brokers}]
  ca: {INSTALLED}/ca.pem
  certificate: {INSTALLED}/certificate.pem
  key: {INSTALLED}/key.pem
"""


def vehicle_instructions(vehicle: str) -> str:
    """Return how to install the files in a vehicle."""
    return f"""The uplink of {vehicle}. Copy this folder to the computer in {vehicle} and to no other. There, in it:

sudo install -d -g driver-monitor -m 0750 {INSTALLED}
sudo install -g driver-monitor -m 0640 ca.pem certificate.pem key.pem {INSTALLED}/

First time: put the lines of uplink.yaml into /etc/driver-monitor/config.yaml. If that file has a section `vehicle` or
`uplink` already, put them into that section. The service may use the network with the drop-in systemd/network.conf
(docs/install.md). Then:

sudo systemctl restart driver-monitor
sudo driver-monitor doctor

Then delete this folder here and at the depot: who has key.pem can send as {vehicle}.
"""


def operator_instructions(hosts: Sequence[str]) -> str:
    """Return how the operator's programs use their certificate."""
    return f"""The operator's programs. On the broker's computer ({hosts[0]}), with this folder at operator/:

driver-monitor fleet collect --broker mqtts://localhost:{OPERATOR_PORT} --ca operator/ca.pem \\
  --certificate operator/certificate.pem --key operator/key.pem

Who has key.pem reads the alerts of all vehicles.
"""
