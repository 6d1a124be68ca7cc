"""A cluster of dask.distributed on this machine: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from tests.processes import PATIENCE_S, free_port, still_runs

OTHER_VERSION = "import driver_monitor; driver_monitor.__version__ = '0.0.1'; from distributed.cli import dask_worker; "
OTHER_VERSION += "dask_worker.main()"


class ClusterProcesses:
    """A scheduler in `folder`, with TLS if `keys` is a folder with keys. The end of the `with` block kills all."""

    def __init__(self, folder: Path, keys: Path | None = None) -> None:
        self._folder, port = folder, free_port()
        self.url = f"{'tls' if keys else 'tcp'}://127.0.0.1:{port}"
        self._keys = [] if keys is None else [
            *("--tls-ca-file", str(keys / "ca.pem"), "--tls-cert", str(keys / "cert.pem")),
            *("--tls-key", str(keys / "key.pem")),
        ]  # fmt: skip
        self.processes: list[subprocess.Popen[bytes]] = []
        start = ["-m", "distributed.cli.dask_scheduler", "--host", self.url.rpartition(":")[0], "--port", str(port)]
        self._start("scheduler", [*start, "--no-dashboard"])

    def worker(self, *options: str, program: tuple[str, ...] = ("-m", "distributed.cli.dask_worker")) -> None:
        """Start a worker with one thread, unless `options` say otherwise."""
        options = options or ("--nthreads", "1")
        more = ["--no-nanny", "--no-dashboard", "--local-directory", str(self._folder / "dask")]
        self._start("worker", [*program, self.url, *options, *more])

    def kill(self, number: int) -> None:
        """Kill process `number`, in the order in which they were started."""
        self.processes[number].kill()

    def await_lines(self, text: str, number: int) -> None:
        """Wait until `text` stands `number` times in what the scheduler wrote."""
        end = time.monotonic() + PATIENCE_S
        while (self._folder / "0-scheduler.log").read_text().count(text) < number:
            assert time.monotonic() < end, f"no {text}"
            assert still_runs(self.processes[0])

    def _start(self, name: str, arguments: list[str]) -> None:
        log = (self._folder / f"{len(self.processes)}-{name}.log").open("wb")
        # Without the profiler, which looks at the stack a hundred times a second.
        environment = {**os.environ, "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
        program = [sys.executable, *arguments, *self._keys]
        self.processes.append(subprocess.Popen(program, stdout=log, stderr=log, env=environment, cwd=self._folder))

    def __enter__(self) -> ClusterProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


def make_keys(folder: Path) -> Path:
    """Write a CA, and a certificate with its key that scheduler, workers and client share, into `folder`."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.now(timezone.utc)
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "cert")}
    names = {name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in keys}
    folder.mkdir()
    for name, key in keys.items():
        certificate = (
            x509.CertificateBuilder()
            .subject_name(names[name])
            .issuer_name(names["ca"])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
            .sign(keys["ca"], hashes.SHA256())
        )
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(keys["cert"].private_bytes(pem, form, plain))
    return folder
