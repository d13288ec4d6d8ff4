"""Which addresses a webhook may reach: public ones, by the list of the standard library, and those that the operator opened."""

import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

from export_pipelines.definition.allowed import Network
from export_pipelines.definition.destinations.hosts import plain_host

Address = IPv4Address | IPv6Address
# The last four bytes are the address that is reached: NAT64, IPv4-mapped, IPv4-translated, IPv4-compatible.
WRAPPING = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "::/96")))
# Not in every version of the standard library's list: local NAT64 (RFC 8215), documentation (RFC 9637).
NEVER_PUBLIC = tuple(map(ipaddress.IPv6Network, ("64:ff9b:1::/48", "3fff::/20")))


def unwrapped(address: Address) -> tuple[Address, ...]:
    """What is reached by `address`: the IPv4 addresses inside, and itself where it is a tunnel's (6to4, Teredo)."""
    if isinstance(address, IPv4Address) or address.is_loopback or address.is_unspecified:
        return (address,)
    if any(address in network for network in WRAPPING):
        return (IPv4Address(address.packed[-4:]),)
    inside = (address.sixtofour, *(address.teredo or ()))
    return (address, *(item for item in inside if item is not None))


def is_public(address: Address) -> bool:
    """Whether `address`, unwrapped, is one of the public Internet."""
    special = address.is_multicast or address.is_reserved or address.is_link_local or address.is_unspecified
    tunnel = isinstance(address, IPv6Address) and bool(
        address.sixtofour or address.teredo or address.is_site_local
    )
    never = any(address in network for network in NEVER_PUBLIC)
    return address.is_global and not (special or tunnel or never)


def is_reachable(text: str, opened: Iterable[Network]) -> bool:
    """Whether the address, as getaddrinfo writes it, is public or lies in a network that the operator opened."""
    networks = tuple(opened)
    return all(
        is_public(address) or any(address in network for network in networks)
        for address in unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    )


def is_opened(text: str, opened: Iterable[Network]) -> bool:
    """Whether the address lies in a network that the operator opened."""
    networks = tuple(opened)
    addresses = unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    return all(any(address in network for network in networks) for address in addresses)


def literal(host: str) -> str | None:
    """The address that `host` is, in any spelling that a resolver takes (127.1, 0x7f000001); None for a name."""
    plain = plain_host(host.partition("%")[0])
    if plain == "localhost" or plain.endswith(".localhost"):
        return "127.0.0.1"
    if ":" in plain:
        return str(ipaddress.IPv6Address(plain))
    with suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(plain))
    return None
