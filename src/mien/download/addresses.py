"""Which addresses a download may reach: public ones, decided on the address that is connected to.

A name is resolved once, every address it has is checked, and the connection goes to the address
that was checked: a second answer of the name server (DNS rebinding) is never asked for. Redirects
come through here again, since every connection does.
"""

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_EMBEDDING = tuple(
    ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")
)
"""Networks of IPv6 whose last 32 bits are an address of IPv4 (RFC 6052, RFC 8215, RFC 4291)."""


class Refused(OSError):
    """An address that downloads do not go to."""


@dataclass(frozen=True)
class Addresses:
    """The rule. allowed: (host, port) reached whatever they are: a server of one's own."""

    allowed: frozenset[tuple[str, int]] = field(default_factory=frozenset)

    def resolve(self, host: str, port: int) -> list[str]:
        """Addresses of a host that may be connected to, as text.

        Raises Refused where any of its addresses is not public, OSError where there is none.
        """
        name = host.strip("[]").rstrip(".").lower()
        found = _look_up(name, port)
        if (name, port) in self.allowed:
            return found
        for text in found:
            if not is_public(ipaddress.ip_address(text.partition("%")[0])):
                raise Refused(f"{host} is {text}, which is not a public address")
        return found


def _look_up(name: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, f"{name!r} is no name of a host") from error
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def is_public(address: Address) -> bool:
    """Tell whether an address is reachable for everybody, seen through IPv6's ways to hold IPv4."""
    if isinstance(address, ipaddress.IPv6Address):
        for inner in _held(address):
            if not is_public(inner):
                return False
    return address.is_global and not address.is_multicast


def _held(address: ipaddress.IPv6Address) -> Iterable[ipaddress.IPv4Address]:
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if any(address in network for network in _EMBEDDING):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def parse_allowed(texts: Iterable[str]) -> frozenset[tuple[str, int]]:
    """Read `host:port` as (host, port); raises ValueError for anything else."""
    found = set()
    for text in texts:
        host, _, port = text.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"{text!r}: write host:port, such as 127.0.0.1:8000")
        found.add((host.strip("[]").lower(), int(port)))
    return frozenset(found)
