"""Which addresses of customers may be called."""

import asyncio

import pytest

from kontor.kernel.addresses import AddressGuard
from kontor.kernel.errors import Invalid
from kontor.kernel.ports import Lookup

PUBLIC = "93.184.215.14"


def resolver(*addresses: str) -> Lookup:
    async def lookup(host: str, port: int, tenant: str) -> list[str]:
        return [host] if host.replace(".", "").isdigit() or ":" in host else list(addresses)

    return lookup


def check(guard: AddressGuard, url: str) -> str:
    return asyncio.run(guard.check(url))


FORBIDDEN_URLS = [
    "http://shop.example/",
    "ftp://shop.example/",
    "https:///nohost",
    "https://user@shop.example/",
    "https://user:pass@shop.example/",
    "https://shop.example:8443/",
    "http://shop.example:443/",
    "https://shop.example:99999/",
    "https://shop.example/#fragment",
    "https://shop.example/with space",
    "https://shop.example\\@evil.example/",
    "https://shöp.example/",
    "https://shop.example/\r\nHost: evil",
    "https://[::1",
    "javascript:alert(1)",
    "",
    "https://" + "a" * 3_000,
]
FORBIDDEN_ADDRESSES = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "::127.0.0.1",
]


@pytest.mark.parametrize("url", FORBIDDEN_URLS)
def test_url_that_is_not_plain_https_is_forbidden(url: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check(AddressGuard(resolver(PUBLIC)), url)
    assert refusal.value.code == "forbidden_address"


@pytest.mark.parametrize("address", FORBIDDEN_ADDRESSES)
def test_address_that_is_not_global_unicast_is_forbidden_by_name_and_as_a_literal(address: str) -> None:
    literal = f"[{address}]" if ":" in address else address
    for guard, host in ((AddressGuard(resolver(address)), "shop.example"), (AddressGuard(resolver()), literal)):
        with pytest.raises(Invalid) as refusal:
            check(guard, f"https://{host}/hook")
        assert refusal.value.code == "forbidden_address"


def test_one_forbidden_address_among_public_ones_is_forbidden() -> None:
    with pytest.raises(Invalid):
        check(AddressGuard(resolver(PUBLIC, "10.0.0.1")), "https://shop.example/")


def test_name_without_an_address_is_forbidden() -> None:
    async def unknown(host: str, port: int, tenant: str) -> list[str]:
        raise OSError("no such host")

    for lookup in (unknown, resolver()):
        with pytest.raises(Invalid):
            check(AddressGuard(lookup), "https://shop.example/")


def test_name_server_that_does_not_answer_is_named_as_the_thing_to_check() -> None:
    async def silent(host: str, port: int, tenant: str) -> list[str]:
        raise TimeoutError

    with pytest.raises(Invalid) as refusal:
        check(AddressGuard(silent), "https://shop.example/")
    assert refusal.value.errors[0].loc == "url"
    assert "name servers of shop.example" in refusal.value.errors[0].msg


@pytest.mark.parametrize("failure", [TimeoutError(), OSError()])
def test_only_a_name_may_be_without_an_address_for_now(failure: Exception) -> None:
    async def silent(host: str, port: int, tenant: str) -> list[str]:
        raise failure

    guard = AddressGuard(silent)
    assert asyncio.run(guard.check("https://shop.example/logo.png", unresolved=True))
    for url in ("https://[fe80::1%25eth0]/", "https://-/", "https://shop/"):
        with pytest.raises(Invalid) as refused:
            asyncio.run(guard.check(url, unresolved=True))
        assert refused.value.code == "forbidden_address"


@pytest.mark.parametrize("url", ["https://shop.example/hook?x=1", "https://shop.example:443/", f"https://{PUBLIC}/"])
def test_public_https_is_allowed(url: str) -> None:
    assert check(AddressGuard(resolver(PUBLIC, "2606:2800:220:1:248:1893:25c8:1946")), url) == url


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/x", "https://10.0.0.1/", "http://localhost/"])
def test_demo_switch_allows_private_addresses_but_no_other_scheme(url: str) -> None:
    guard = AddressGuard(resolver(), allow_private=True)
    assert check(guard, url) == url
    with pytest.raises(Invalid):
        check(guard, "file:///etc/passwd")
