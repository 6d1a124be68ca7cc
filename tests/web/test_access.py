"""Who may see the page: the token, the host that a request names, and the page that opens a WebSocket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.errors import OutputError, UsageError
from driver_monitor.web.access import LENGTH, LETTERS, Access, hosts_of, new_token
from driver_monitor.web.server import PORT, bound

ACCESS = Access("secret", hosts_of("127.0.0.1", 8642))


def test_ok__each_token_is_new_and_easy_to_type() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {LENGTH}
    assert set("".join(tokens)) <= set(LETTERS)
    assert not set("0o1il") & set(LETTERS)


@given(st.text())
def test_fail__no_other_text_is_the_token(text: str) -> None:
    assert ACCESS.knows_token(text) == (text == "secret")


def test_fail__no_token_is_not_the_token() -> None:
    assert not ACCESS.knows_token(None)
    assert not ACCESS.knows_token("")


@pytest.mark.parametrize("host", ["127.0.0.1:8642", "localhost:8642", "LOCALHOST:8642"])
def test_ok__the_own_addresses_are_the_right_hosts(host: str) -> None:
    assert ACCESS.right_host(host)
    assert ACCESS.right_origin(f"http://{host}")


@pytest.mark.parametrize(
    "host", [None, "", "evil.example:8642", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:8642", "[::1]:8642"]
)
def test_fail__another_name_that_leads_here_is_refused(host: str | None) -> None:
    assert not ACCESS.right_host(host)


@pytest.mark.parametrize(
    "origin", [None, "null", "https://127.0.0.1:8642", "http://evil.example", "127.0.0.1:8642", "http://127.0.0.1:1"]
)
def test_fail__the_page_of_another_server_opens_no_connection(origin: str | None) -> None:
    assert not ACCESS.right_origin(origin)


@pytest.mark.parametrize(
    ("address", "host"), [("192.168.4.1", "192.168.4.1:8642"), ("fe80::1", "[fe80::1]:8642"), ("::1", "localhost:8642")]
)
def test_ok__a_named_address_is_its_own_host(address: str, host: str) -> None:
    access = Access("secret", hosts_of(address, 8642))
    assert access.right_host(host)
    assert not access.right_host("127.0.0.1:8642")


def test_ok__the_port_is_the_usual_one_or_a_free_one() -> None:
    with bound("127.0.0.1") as first:
        first.listen()
        with bound("127.0.0.1") as second:
            assert second.getsockname()[1] not in (PORT, first.getsockname()[1])


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "localhost", "eth0", ""])
def test_fail__an_address_that_is_not_one_address_is_refused_with_the_way_to_see_them(address: str) -> None:
    with pytest.raises(UsageError, match="ip -brief address"):
        bound(address)


def test_fail__an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(OutputError, match=r"--bind 192\.0\.2\.7: .*ip -brief address"):
        bound("192.0.2.7")
