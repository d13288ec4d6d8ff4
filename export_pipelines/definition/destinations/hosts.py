"""Names of hosts, as the settings of destinations and the operator's list of hosts compare them."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+(%[\w.-]+)?")  # a name, or an address of version 6


def host_of(url: str) -> str | None:
    """The host that `url` names, in lower case; None where it names none, or one that programs read differently."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    return plain_host(host) if host and HOST.fullmatch(host) else None


def plain_host(host: str) -> str:
    """In lower case and without the root's dot."""
    return host.lower().rstrip(".")


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine, by its usual name or by an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return plain_host(host) == "localhost"
