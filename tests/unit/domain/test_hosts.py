"""Which host is which, by PUBLIC_URL and CONSOLE_URL."""

import pytest

from kontor.http.hosts import BOTH, NOWHERE, Hosts, Surface, is_served, split_host

STAFF, PROVIDER = frozenset({Surface.STAFF}), frozenset({Surface.PROVIDER})
LOCAL = Hosts.of("http://localhost:8000", "http://localhost:8000")
APART = Hosts.of("https://kontor.example", "https://staff.kontor.example:8443")
TOGETHER = Hosts.of("https://kontor.example", "https://kontor.example")


@pytest.mark.parametrize(
    ("hosts", "header", "expected"),
    [
        *((LOCAL, f"{name}:8000", BOTH) for name in ("localhost", "127.0.0.1", "[::1]", "LOCALHOST")),
        *((LOCAL, name, BOTH) for name in ("localhost:9001", "localhost", "[::1]")),
        *((LOCAL, name, NOWHERE) for name in ("localhost:80", "kontor.example", "", "a:b", "10.0.0.1:8000")),
        *((TOGETHER, name, BOTH) for name in ("kontor.example", "kontor.example:443", "Kontor.Example")),
        *((TOGETHER, name, NOWHERE) for name in ("kontor.example:8000", "localhost:9001", "www.kontor.example")),
        (APART, "kontor.example", PROVIDER),
        (APART, "staff.kontor.example:8443", STAFF),
        (APART, "staff.kontor.example", NOWHERE),
    ],
)
def test_host_serves_what_its_url_says(hosts: Hosts, header: str, expected: frozenset[Surface]) -> None:
    assert hosts.surfaces(header, 9001) == expected


@pytest.mark.parametrize(
    ("path", "served"),
    [
        ("/console", {"staff"}),
        ("/console/jobs", {"staff"}),
        ("/metrics", {"staff"}),
        ("/v1/jobs", {"provider"}),
        ("/docs", {"provider", "staff"}),
        ("/openapi.json", {"provider", "staff"}),
        ("/offers/x", {"provider", "domain"}),
        ("/activate/x", {"provider", "domain"}),
        ("/unsubscribe/x", {"provider", "domain"}),
        ("/", {"provider", "staff", "domain"}),
        ("/login", {"provider", "domain"}),
        ("/account/password", {"provider", "domain"}),
        ("/partner/offers", {"provider"}),
        ("/signup", {"provider"}),
        ("/as/x/account", {"provider"}),
        ("/anything", {"provider", "staff"}),
    ],
)
def test_path_is_served_where_the_table_of_hosts_says(path: str, served: set[str]) -> None:
    assert {surface.value for surface in Surface if is_served(path, frozenset({surface}))} == served


def test_name_and_port_are_read_from_a_host_header() -> None:
    assert split_host("[2001:db8::1]:80") == ("[2001:db8::1]", 80)
    assert split_host("[2001:db8::1]") == ("[2001:db8::1]", None)
    assert split_host("h:1x") == ("", None)
