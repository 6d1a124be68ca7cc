"""Brokers for the tests of the uplink, one of each kind for a module, and certificates."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.services import Mosquitto, mosquitto
from tests.outputs.uplink.operator_side import OperatorSide, operator_side


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def operator(broker: Mosquitto) -> Iterator[OperatorSide]:
    with operator_side(broker.port) as listening:
        yield listening


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two CAs, `ca` and `other`, and what they have signed: the broker, this car, and a stranger."""
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "other"):
        openssl("req", "-x509", *new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    for name, signer in (("broker", "ca"), ("van-12", "ca"), ("stranger", "other")):
        openssl("req", *new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("-CA", f"{signer}.pem", "-CAkey", f"{signer}.key", "-CAcreateserial", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    for file in folder.iterdir():
        file.chmod(0o644)
    return folder


@pytest.fixture(scope="module")
def tls_broker(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[Mosquitto]:
    files = "".join(f"{key} {certificates / name}\n" for key, name in (
        ("cafile", "ca.pem"), ("certfile", "broker.pem"), ("keyfile", "broker.key")
    ))  # fmt: skip
    strict = f"{files}require_certificate true\nuse_identity_as_username true\n"
    with mosquitto(tmp_path_factory.mktemp("tls"), "allow_anonymous false\n", strict) as running:
        yield running
