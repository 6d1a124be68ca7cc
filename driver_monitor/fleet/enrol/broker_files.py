"""The files of a mosquitto broker: configuration, access list, and how to install them."""

from __future__ import annotations

from driver_monitor.fleet.enrol.names import OPERATOR
from driver_monitor.mqtt import topics
from driver_monitor.mqtt.broker import TLS_PORT

INSTALLED = "/etc/mosquitto/driver-monitor"
"""Where the files lie on the broker's computer."""
OPERATOR_PORT = 8884
"""The port of the operator's programs (ours: the next one after MQTT's TLS port)."""
MOST_VEHICLES = 20_000
"""Connections at a time (ours): twice the largest load that was measured."""
MOST_PROGRAMS = 100
"""Connections of the operator's programs at a time (ours)."""
MOST_PACKET = 65_536
"""Bytes of a packet (ours): an alert has some 800, a message with 500 stored ids 20,000."""


def access_list() -> str:
    """Return the access list. `%u`: the common name of the certificate, which a client cannot choose."""
    vehicle, everyone = "%u", "+"
    return (
        "# A vehicle writes and reads its own topics only.\n"
        f"pattern write {topics.alert(vehicle, '#')}\n"
        f"pattern write {topics.status(vehicle)}\n"
        f"pattern write {topics.online(vehicle)}\n"
        f"pattern read {topics.stored(vehicle)}\n"
        "\n# The operator's programs read everything, and say what is stored.\n"
        f"user {OPERATOR}\n"
        f"topic read {topics.ROOT}/#\n"
        f"topic write {topics.stored(everyone)}\n"
    )


def configuration() -> str:
    """Return the configuration for /etc/mosquitto/conf.d of Debian, which sets persistence and log itself."""
    return f"""# Broker of a driver-monitor fleet, for /etc/mosquitto/conf.d (mosquitto 2.0). Made by `fleet enrol`.
allow_anonymous false
acl_file {INSTALLED}/access.acl

# Messages for absent clients: vehicles keep their alerts until the operator has stored them, so that 1000 are enough.
max_queued_messages 1000
max_packet_size {MOST_PACKET}
# Sessions are written once a minute, and when mosquitto stops.
autosave_interval 60
set_tcp_nodelay true

# Vehicles. Their certificate is their user name and their client id: no vehicle can take the session of another.
listener {TLS_PORT}
max_connections {MOST_VEHICLES}
use_username_as_clientid true
{_tls()}
# The operator's programs: several of them have one certificate, so each has a client id of its own. Only this computer
# can reach this port. For programs on other computers, put an address of your own network here, never a public one.
listener {OPERATOR_PORT} 127.0.0.1
max_connections {MOST_PROGRAMS}
{_tls()}"""


def _tls() -> str:
    return (
        f"cafile {INSTALLED}/ca.pem\n"
        f"certfile {INSTALLED}/certificate.pem\n"
        f"keyfile {INSTALLED}/key.pem\n"
        f"crlfile {INSTALLED}/crl.pem\n"
        "require_certificate true\n"
        "use_identity_as_username true\n"
        "tls_version tlsv1.2\n"
    )


def instructions() -> str:
    """Return how to install the files on Debian."""
    return f"""The broker of the fleet: mosquitto 2.0 on Debian or Ubuntu. Copy this folder there. Then, in it:

sudo apt-get install -y mosquitto
sudo install -d -g mosquitto -m 0750 {INSTALLED}
sudo install -g mosquitto -m 0640 access.acl ca.pem certificate.pem crl.pem key.pem {INSTALLED}/
sudo install -m 0644 mosquitto.conf /etc/mosquitto/conf.d/driver-monitor.conf
sudo systemctl restart mosquitto

Open TCP port {TLS_PORT} in the firewall for the vehicles, and no other port.
For more than 500 vehicles: `sudo systemctl edit mosquitto`, with the two lines
[Service]
LimitNOFILE=65536

Then delete this copy of the folder: it holds the broker's key.
"""
