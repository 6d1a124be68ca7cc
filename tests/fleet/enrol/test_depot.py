"""A depot on disk: what is made, what is refused, and what a kill at any moment leaves."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from driver_monitor.config import schema
from driver_monitor.errors import ConfigError, DriverMonitorError, OutputError, UsageError
from driver_monitor.fleet.enrol import listing
from driver_monitor.fleet.enrol.depot import Depot, make_depot, open_depot
from driver_monitor.fleet.enrol.names import check_host, check_vehicle, read_names
from driver_monitor.fleet.enrol.private_files import locked
from tests.conftest import Cli

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=timezone.utc)


def no_passphrase() -> str:
    raise AssertionError("the key has no passphrase")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A depot without vehicles."""
    folder = tmp_path / "depot"
    make_depot(folder, NOW, None)
    return folder


@pytest.fixture
def depot(place: Path) -> Iterator[Depot]:
    with open_depot(place, no_passphrase, NOW) as opened:
        yield opened


def certificate(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())


def test_ok__every_vehicle_has_a_certificate_of_its_own_for_clients_only(depot: Depot) -> None:
    depot.enrol(["van-1", "van-2"], ["broker.example"], 100)
    for name in ("van-1", "van-2"):
        folder = depot.folder / "vehicles" / name
        cert = certificate(folder)
        (common_name,) = cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert common_name.value == name
        usages = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
        assert not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert cert.not_valid_after_utc == NOW + timedelta(days=100)
        assert load_pem_private_key((folder / "key.pem").read_bytes(), None).public_key() == cert.public_key()


def test_ok__the_ca_lasts_ten_years_and_signs_no_other_ca(depot: Depot) -> None:
    ca = x509.load_pem_x509_certificate((depot.folder / "ca.pem").read_bytes())
    limits = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (limits.critical, limits.value.ca, limits.value.path_length) == (True, True, 0)
    assert 3650 <= (ca.not_valid_after_utc - NOW).days <= 3653


def test_ok__certificates_begin_in_the_past_for_cars_whose_clock_is_behind(depot: Depot) -> None:
    depot.enrol(["van-1"], ["broker.example"], 100)
    certificates = [depot.folder / one for one in ("broker", "operator", "vehicles/van-1")]
    begins = [certificate(folder).not_valid_before_utc for folder in certificates]
    begins.append(x509.load_pem_x509_certificate((depot.folder / "ca.pem").read_bytes()).not_valid_before_utc)
    assert set(begins) == {NOW - timedelta(days=365)}


def test_ok__the_broker_has_all_its_hosts_and_addresses(depot: Depot) -> None:
    depot.enrol([], ["broker.example", "192.0.2.7", "2001:db8::7"], 100)
    names = certificate(depot.folder / "broker").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker.example", "localhost"]
    addresses = set(map(str, names.get_values_for_type(x509.IPAddress)))
    assert addresses == {"192.0.2.7", "2001:db8::7", "127.0.0.1", "::1"}


def test_ok__only_the_owner_may_read_anything(depot: Depot) -> None:
    depot.enrol(["van-1"], ["broker.example"], 100)
    for path in [depot.folder, *depot.folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_ok__a_folder_that_others_could_read_is_closed_again(place: Path) -> None:
    place.chmod(0o755)
    with open_depot(place, no_passphrase, NOW):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_ok__the_lines_for_the_vehicle_are_a_valid_configuration(depot: Depot) -> None:
    longest = "x" * 64
    depot.enrol([longest, "7:a.b_c-d"], ["broker.example", "2001:db8::7"], 100)
    for name in (longest, "7:a.b_c-d"):
        config = schema.load(depot.folder / "vehicles" / name / "uplink.yaml")
        assert config.vehicle.id == name
        assert config.uplink.brokers == ("mqtts://broker.example:8883", "mqtts://[2001:db8::7]:8883")
        for file in (config.uplink.ca, config.uplink.certificate, config.uplink.key):
            assert file is not None
            assert (depot.folder / "vehicles" / name / file.name).is_file()


def test_ok__a_vehicle_that_is_enrolled_keeps_its_key(depot: Depot) -> None:
    depot.enrol(["van-1"], ["broker.example"], 100)
    before = {path: path.read_bytes() for path in depot.folder.rglob("*") if path.is_file()}
    outcome = depot.enrol(["van-1"], ["broker.example"], 200)
    assert [entry.name for entry in outcome.unchanged] == ["van-1"]
    assert outcome.made == ()
    assert before == {path: path.read_bytes() for path in depot.folder.rglob("*") if path.is_file()}


def test_ok__a_new_host_makes_a_new_certificate_for_the_broker_only(depot: Depot) -> None:
    depot.enrol(["van-1"], ["broker.example"], 100)
    outcome = depot.enrol(["van-1"], ["other.example"], 100)
    assert [entry.name for entry in outcome.made] == ["broker"]
    names = certificate(depot.folder / "broker").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker.example", "other.example", "localhost"]


def test_ok__a_vehicle_whose_folder_was_copied_and_deleted_is_still_enrolled(depot: Depot) -> None:
    depot.enrol(["van-1"], ["broker.example"], 100)
    for path in (depot.folder / "vehicles" / "van-1").iterdir():
        path.unlink()
    (depot.folder / "vehicles" / "van-1").rmdir()
    assert depot.enrol(["van-1"], [], 100).made == ()
    depot.renew(["van-1"], 100)
    assert (depot.folder / "vehicles" / "van-1" / "key.pem").is_file()


def test_ok__a_renewed_vehicle_has_a_new_key_and_the_old_one_stays_valid(depot: Depot) -> None:
    depot.enrol(["van-1", "van-2"], ["broker.example"], 100)
    before = (depot.folder / "vehicles" / "van-1" / "key.pem").read_bytes()
    depot.renew(["van-1"], 300)
    assert (depot.folder / "vehicles" / "van-1" / "key.pem").read_bytes() != before
    states = [(entry.name, entry.state(NOW)) for entry in depot.register.certificates if entry.is_vehicle]
    assert states == [("van-1", "replaced"), ("van-2", "valid"), ("van-1", "valid")]


def test_ok__the_old_certificate_of_a_stolen_key_is_revoked_with_the_renewal(depot: Depot) -> None:
    depot.enrol(["van-1"], ["broker.example"], 100)
    old = depot.register.newest()["van-1"].serial
    depot.renew(["van-1"], 300, revoke_old=True)
    assert revoked(depot.folder) == {old}
    assert depot.register.newest()["van-1"].serial != old


def revoked(folder: Path) -> set[str]:
    crl = x509.load_pem_x509_crl((folder / "broker" / "crl.pem").read_bytes())
    return {f"{entry.serial_number:x}" for entry in crl}


def test_ok__a_revoked_vehicle_loses_all_its_certificates_and_may_come_back(depot: Depot) -> None:
    depot.enrol(["van-1", "van-2"], ["broker.example"], 100)
    depot.renew(["van-1"], 100)
    depot.revoke(["van-1"])
    assert revoked(depot.folder) == {one.serial for one in depot.register.certificates if one.name == "van-1"}
    assert len(revoked(depot.folder)) == 2
    assert not (depot.folder / "vehicles" / "van-1").exists()
    depot.renew(["van-1"], 100)
    assert depot.register.newest()["van-1"].revoked is None


def test_ok__each_list_begins_later_than_the_one_before_also_within_a_second(depot: Depot) -> None:
    """OpenSSL may use the older one of two lists that begin in the same second: the broker holds both."""
    depot.enrol(["van-1", "van-2", "van-3"], ["broker.example"], 100)
    begins = []
    for name in ("van-1", "van-2", "van-3"):
        depot.revoke([name])
        begins.append(x509.load_pem_x509_crl((depot.folder / "broker" / "crl.pem").read_bytes()).last_update_utc)
    assert begins == sorted(set(begins))
    assert max(begins) < NOW, "a broker whose clock is behind takes it"


def test_ok__the_list_lasts_as_long_as_the_ca(depot: Depot) -> None:
    """A broker refuses everybody when the time of its list has passed."""
    depot.enrol([], ["broker.example"], 100)
    crl = x509.load_pem_x509_crl((depot.folder / "broker" / "crl.pem").read_bytes())
    assert crl.next_update_utc == depot.ca_until()


def test_ok__no_certificate_ends_after_its_ca(place: Path) -> None:
    late = NOW + timedelta(days=3600)
    with open_depot(place, no_passphrase, late) as depot:
        depot.enrol(["van-1"], ["broker.example"], 730)
        assert certificate(place / "vehicles" / "van-1").not_valid_after_utc == depot.ca_until()
        assert any("make a new depot" in one for one in listing.warnings(listing.of_depot(depot, late), place))
    with (
        open_depot(place, no_passphrase, NOW + timedelta(days=3700)) as depot,
        pytest.raises(UsageError, match="ended"),
    ):
        depot.enrol(["van-2"], [], 730)


def test_ok__the_list_of_certificates_warns_a_month_before_one_ends(place: Path) -> None:
    with open_depot(place, no_passphrase, NOW) as depot:
        depot.enrol(["van-1", "van-2"], ["broker.example"], 730)
        depot.renew(["van-1"], 31)
    for day, state, ending in ((0, "valid", 0), (1, "ends soon", 1), (31, "ended", 1)):
        now = NOW + timedelta(days=day)
        with open_depot(place, no_passphrase, now) as depot:
            listed = listing.of_depot(depot, now)
            assert {one.name: shown for one, shown in listed.rows if not one.replaced}["van-1"] == state
            warned = list(listing.warnings(listed, place))
            assert len(warned) == ending
            assert all("van-1" in one and "--expiring 30" in one for one in warned)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "no name"),
        *((f"van{sign}1", "cannot be part") for sign in "+#/%$\\ \n\0*'\"ä"),
        ("$SYS", "cannot be part"),
        ("%u", "cannot be part"),
        ("..", "cannot begin with '.'"),
        (".", "cannot begin with '.'"),
        (".ssh", "cannot begin with '.'"),
        ("--depot", "cannot begin with '-'"),
        ("x" * 65, "65 characters are too many"),
        ("operator", "the operator's programs"),
        ("Operator", "the operator's programs"),
        ("broker", "the broker"),
    ],
)
def test_fail__a_name_that_could_take_rights_or_leave_its_folder(name: str, words: str, place: Path) -> None:
    with pytest.raises(UsageError, match=words):
        check_vehicle(name)
    before = sorted(place.parent.rglob("*"))
    with open_depot(place, no_passphrase, NOW) as depot, pytest.raises(UsageError):
        depot.enrol(["van-1", name], ["broker.example"], 100)
    assert sorted(place.parent.rglob("*")) == before, "nobody is enrolled"


@pytest.mark.parametrize("name", ["v", "x" * 64, "van-12", "WDB9066331S123456", "a..b", "operators", "00:1A:2b"])
def test_ok__an_ordinary_name(name: str) -> None:
    check_vehicle(name)


@pytest.mark.parametrize(
    "host", ["", "mqtts://broker", "broker:8883", "*.example", "-x", "a..b", "bro ker", "ä.example"]
)
def test_fail__a_host_that_is_none(host: str) -> None:
    with pytest.raises(UsageError, match="neither a host name"):
        check_host(host)


def test_ok__a_file_of_names_from_a_spreadsheet(tmp_path: Path) -> None:
    (tmp_path / "names").write_bytes("\ufeffvan-1\r\n\r\n# the old ones\r\n van-2 \r\nvan-3".encode())
    assert read_names(tmp_path / "names") == ["van-1", "van-2", "van-3"]


def test_fail__a_file_of_names_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"van-\xe4\n")
    (tmp_path / "large").write_bytes(b"van\n" * 300_000)
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("latin", "UTF-8"), ("large", "several files"), ("pipe", "regular"), ("none", "No such")):
        with pytest.raises(UsageError, match=words):
            read_names(tmp_path / name)


def test_fail__two_commands_at_a_time(place: Path) -> None:
    with (
        locked(place),
        pytest.raises(OutputError, match="another command works"),
        open_depot(place, no_passphrase, NOW),
    ):
        pass


def test_fail__a_folder_with_other_files_is_no_depot(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="holds other files"):
        make_depot(tmp_path, NOW, None)
    with pytest.raises(UsageError, match="is no depot"), open_depot(tmp_path, no_passphrase, NOW):
        pass


def test_fail__a_clock_that_nobody_has_set(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="says 1970-01-01; set it"):
        make_depot(tmp_path / "depot", datetime(1970, 1, 1, tzinfo=timezone.utc), None)


@pytest.mark.parametrize("data", [b"", b"{", b'{"schema": 2}', b'{"certificates": [{"name": 3}]}', b"[]", b"\xff"])
def test_fail__a_damaged_register(data: bytes, place: Path) -> None:
    (place / "register.json").write_bytes(data)
    with pytest.raises(ConfigError, match=r"register cannot be read.*backup"), open_depot(place, no_passphrase, NOW):
        pass


def test_fail__the_key_of_another_ca(place: Path, tmp_path: Path) -> None:
    make_depot(tmp_path / "other", NOW, None)
    (place / "ca.key").write_bytes((tmp_path / "other" / "ca.key").read_bytes())
    with pytest.raises(ConfigError, match="does not belong"), open_depot(place, no_passphrase, NOW) as depot:
        depot.enrol(["van-1"], ["broker.example"], 100)


def test_fail__the_broker_cannot_be_revoked(depot: Depot) -> None:
    depot.enrol(["van-1"], ["broker.example"], 100)
    with pytest.raises(UsageError, match="make a new depot"):
        depot.revoke(["van-1", "broker"])
    assert revoked(depot.folder) == set()
    with pytest.raises(UsageError, match="'van-2': not enrolled"):
        depot.revoke(["van-1", "van-2"])
    assert revoked(depot.folder) == set()


def test_ok__a_passphrase_is_needed_to_sign_and_to_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "depot"
    make_depot(folder, NOW, "correct horse")
    with open_depot(folder, lambda: "correct horse", NOW) as depot:
        depot.enrol(["van-1"], ["broker.example"], 100)
    with open_depot(folder, lambda: "wrong", NOW) as depot:
        listing.of_depot(depot, NOW)
        with pytest.raises(ConfigError, match="this passphrase"):
            depot.enrol(["van-2"], [], 100)


def test_ok__a_kill_at_any_moment_loses_no_certificate_and_no_revocation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends at every second of its accesses to files. The same command afterwards completes the work."""
    monkeypatch.setattr(os, "sync", lambda: None)  # a kill loses nothing that was written
    monkeypatch.setattr(os, "fsync", lambda _: None)
    for number in range(0, 400, 2):
        folder = tmp_path / f"depot-{number}"
        if not _killed_at(number, folder):
            break
        if not (folder / "register.json").exists():
            make_depot(folder, NOW, None)
        with open_depot(folder, no_passphrase, NOW) as depot:
            on_disk = {f"{certificate(path.parent).serial_number:x}" for path in folder.rglob("certificate.pem")}
            assert on_disk <= {entry.serial for entry in depot.register.certificates}, "every certificate is known"
            _work(depot)
            newest = depot.register.newest()
            assert set(newest) == {"broker", "operator", "van-1", "van-2"}
            assert revoked(folder) == {entry.serial for entry in depot.register.certificates if entry.revoked}
            for name in ("broker", "operator", "vehicles/van-2"):
                assert f"{certificate(folder / name).serial_number:x}" == newest[folder.joinpath(name).name].serial
            assert not (folder / ".staged").exists()
    else:
        raise AssertionError("the work never ended")
    assert number > 60


def _work(depot: Depot) -> None:
    depot.enrol(["van-1", "van-2"], ["broker.example"], 100)
    depot.revoke(["van-1"])
    depot.renew(["van-2"], 100)


def _killed_at(number: int, folder: Path) -> bool:
    """Do the work in another process, killed at its access `number` to files. Return whether it was killed."""
    child = os.fork()
    if child == 0:
        left = iter(range(number))

        def count(event: str, _: tuple[object, ...]) -> None:
            if event.startswith(("open", "os.", "shutil.", "tempfile.")) and next(left, None) is None:
                os._exit(9)

        sys.addaudithook(count)
        make_depot(folder, NOW, None)
        with open_depot(folder, no_passphrase, NOW) as depot:
            _work(depot)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_ok__ten_vans_from_the_command_line(command: Cli, tmp_path: Path) -> None:
    (tmp_path / "names").write_text("".join(f"van-{number}\n" for number in range(3, 11)))
    made = command("fleet", "enrol", "--depot", "d", "--broker-host", "b.example", "--from", "names", "van-1", "van-2")
    assert (made.code, made.lines) == (0, [])
    assert "for van-1, van-2, van-3, van-4, van-5 and 5 more; copy" in made.out
    again = command("fleet", "enrol", "--depot", "d", "van-2")
    assert again.out == "already enrolled, unchanged: van-2\n"
    assert command("fleet", "revoke", "--depot", "d", "van-2").code == 0
    assert command("fleet", "renew", "--depot", "d", "--all", "--days", "20").code == 0
    shown = command("fleet", "enrolled", "--depot", "d", "--json")
    rows = json.loads(shown.out)["certificates"]
    assert {row["name"] for row in rows if row["state"] == "ends soon"} == {
        "broker", "operator", "van-1", *(f"van-{number}" for number in range(3, 11)),
    }  # fmt: skip
    assert [row["name"] for row in rows if row["state"] == "revoked"] == ["van-2"]
    table = command("fleet", "enrolled", "--depot", "d")
    assert "\nvan-2     revoked    " in table.out
    assert table.lines[0].startswith("warning: ended, or ends within 30 days: broker, operator, van-1")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["enrol", "--depot", "d", "van-1"], "name its host with --broker-host"),
        (["enrol", "--depot", "d", "--broker-host", "b", "van/1"], "cannot be part"),
        (["renew", "--depot", "d", "van-1"], "d is no depot"),
        (["renew", "--depot", "d"], "name vehicles, broker or operator"),
        (["renew", "--depot", "d", "--all", "van-1"], "name vehicles, broker or operator"),
        (["revoke", "--depot", "d"], "name the vehicles"),
        (["enrolled", "--depot", "d"], "d is no depot"),
        (["enrol", "--depot", "d", "--broker-host", "b", "--passphrase-file", "none"], "none"),
    ],
)
def test_fail__wrong_use_is_told_in_one_line_and_makes_nothing(
    words: list[str], line: str, command: Cli, tmp_path: Path
) -> None:
    outcome = command("fleet", *words)
    assert outcome.code == 2
    assert len(outcome.lines) == 1
    assert line in outcome.lines[0]
    assert not (tmp_path / "d").exists()


def test_fail__a_key_with_a_passphrase_and_nobody_to_ask(
    command: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("correct horse\n")
    base = ("fleet", "enrol", "--depot", "d", "--broker-host", "b", "van-1")
    assert command(*base, "--passphrase-file", "secret").code == 0
    assert b"ENCRYPTED" in (tmp_path / "d" / "ca.key").read_bytes()
    outcome = command("fleet", "enrol", "--depot", "d", "van-2")
    assert (outcome.code, "--passphrase-file" in outcome.err) == (2, True)
    assert command("fleet", "enrol", "--depot", "d", "van-2", "--passphrase-file", "secret").code == 0


def test_ok__a_passphrase_is_asked_for_at_a_terminal(command: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def prompt(text: str, **options: bool) -> str:
        asked.append(text)
        assert options["hide_input"]
        return "correct horse"

    monkeypatch.setattr("typer.prompt", prompt)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert command("fleet", "enrol", "--depot", "d", "--broker-host", "b", "--passphrase", "van-1").code == 0
    assert command("fleet", "enrolled", "--depot", "d").code == 0
    assert command("fleet", "revoke", "--depot", "d", "van-1").code == 0
    assert asked == ["passphrase for the CA's key", "passphrase of d/ca.key", "passphrase of d/ca.key"]


def test_fail__without_the_package_the_verb_says_how_to_install_it(
    command: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    outcome = command("fleet", "enrol", "--depot", "d", "--broker-host", "b")
    assert outcome.code == 2
    assert "pip install 'driver-monitor[operator]'" in outcome.err


def test_fail__a_disk_that_is_full(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object, __: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("driver_monitor.fleet.enrol.private_files.write_folder", full)
    with pytest.raises(DriverMonitorError, match="No space left"), open_depot(place, no_passphrase, NOW) as depot:
        depot.enrol(["van-1"], ["broker.example"], 100)
