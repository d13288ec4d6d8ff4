"""Where a request comes from: its address for limits, and of that the network alone for the audit."""

from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request

NETWORK_BITS = {4: 24, 6: 48}  # by the version of IP: what many share, so it tells nobody's address


def address_of(request: Request) -> str:
    """Of the client; behind a trusted proxy, as the proxy says."""
    return request.client.host if request.client else ""


def network_of(address: str) -> str:
    """The network of an address, 203.0.113.0/24 or 2001:db8:1::/48; empty for what is no IP address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return str(ip_network((parsed.packed, NETWORK_BITS[parsed.version]), strict=False))
