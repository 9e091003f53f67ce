from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.kernel.addresses import all_may_connect, may_connect

PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "223.255.255.254", "2606:4700:4700::1111", "2a00:1450::200e"]
CLOSED_4 = [
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254", "169.254.169.254"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
    *("198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
]
CLOSED_6 = [
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1", "fec0::1"),
    *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "64:ff9b:1::1", "100::1", "3fff::1", "5f00::1", "2001:10::1"),
]
HIDDEN = ["::ffff:{}", "::{}", "64:ff9b::{}", "::ffff:0:{}"]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_allowed(address: str) -> None:
    assert may_connect(address)


@pytest.mark.parametrize("address", [*CLOSED_4, *CLOSED_6])
def test_private_or_reserved_address_is_refused(address: str) -> None:
    assert not may_connect(address)


@pytest.mark.parametrize("form", HIDDEN)
@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1"])
def test_private_address_embedded_in_ipv6_is_refused(form: str, address: str) -> None:
    assert not may_connect(form.format(address))


def six_to_four(address: str) -> str:
    return str(IPv6Address((0x2002 << 112) | (int(IPv4Address(address)) << 80) | 1))


@given(st.ip_addresses(v=4))
def test_embedded_address_is_treated_like_the_address_itself(address: IPv4Address) -> None:
    plain = may_connect(str(address))

    assert may_connect(f"::ffff:{address}") is plain
    assert may_connect(f"64:ff9b::{address}") is plain
    assert may_connect(six_to_four(str(address))) is plain


@given(st.ip_addresses(v=4))
def test_address_private_to_the_standard_library_is_refused(address: IPv4Address) -> None:
    if may_connect(str(address)):
        assert address.is_global
        assert not address.is_multicast


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.0.0.1", "2130706433", "1.2.3.4.5", "017.0.0.1"])
def test_invalid_address_is_refused(text: str) -> None:
    assert not may_connect(text)


def test_one_forbidden_address_among_many_is_refused() -> None:
    assert all_may_connect(["8.8.8.8", "1.1.1.1"])
    assert not all_may_connect(["8.8.8.8", "127.0.0.1"])
    assert not all_may_connect([])
