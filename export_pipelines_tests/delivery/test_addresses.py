"""Which addresses a webhook may reach, also when one address is wrapped in another."""

from ipaddress import ip_address, ip_network

import pytest

from export_pipelines.delivery.webhook.addresses import is_public, is_reachable, literal

REFUSED = {
    "this machine": ["127.0.0.1", "127.255.255.254", "::1"],
    "unspecified": ["0.0.0.0", "::", "0.1.2.3"],
    "private": ["10.0.0.1", "172.31.255.255", "192.168.0.1", "fd00::1", "fc00::1", "fec0::1"],
    "of a provider": ["100.64.0.1"],
    "link-local": ["169.254.169.254", "fe80::1", "fe80::1%eth0", "fd00:ec2::254"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "192.0.0.1", "5f00::1", "100::1"],
    "for documentation and tests": ["192.0.2.1", "198.18.0.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "NAT64": ["64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8", "64:ff9b:1::a00:1"],
    "6to4": ["2002:a00:1::", "2002:808:808::1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:0:808:808::f5ff:fffe"],
    "IPv4-mapped": ["::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:224.0.0.1"],
    "IPv4-translated": ["::ffff:0:10.0.0.1"],
    "IPv4-compatible": ["::10.0.0.1", "::127.0.0.1"],
}
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", [one for several in REFUSED.values() for one in several])
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not is_reachable(address, ())


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_reached(address: str) -> None:
    assert is_reachable(address, ())


def test_an_opened_network_is_reached_in_every_wrapping_and_nothing_beside_it() -> None:
    opened = [ip_network("10.1.0.0/16")]
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3"):
        assert is_reachable(address, opened)
    for address in ("10.2.0.1", "::ffff:10.2.0.1", "127.0.0.1", "2002:a01:203::"):
        assert not is_reachable(address, opened)


def test_a_tunnel_is_never_public_whatever_is_inside() -> None:
    assert not is_public(ip_address("2002:808:808::1"))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("LOCALHOST", "127.0.0.1"),
        ("db.localhost.", "127.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("example.com", None),
        ("1and1.com", None),
    ],
)
def test_a_host_that_is_an_address_is_known_in_every_spelling(host: str, address: str | None) -> None:
    assert literal(host) == address
