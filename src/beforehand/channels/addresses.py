"""Where a channel may connect to: an address is resolved once, checked, and that very address is connected to.

What a team writes into its settings must not become a door into its own network: private, loopback, link-local,
metadata and reserved addresses are refused, IPv4, IPv6 and IPv4 inside IPv6, unless the channel's `allow` names them.
Connecting to what was checked leaves no moment in which a name could come to mean another machine (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
COMPATIBLE = ipaddress.IPv6Network("::/96")


class AddressError(OSError):
    """Nothing was connected to; `reason` is the word for it: `no-such-host`, `private-address`, `unreachable`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def networks(allowed: Iterable[str]) -> tuple[Network, ...]:
    """Networks as settings write them (`127.0.0.1`, `10.0.0.0/8`, `fd00::/8`); ValueError for anything else."""
    return tuple(ipaddress.ip_network(written, strict=False) for written in allowed)


def outside(address: str, allow: Iterable[Network] = ()) -> bool:
    """Whether an address (an IP, perhaps with a `%zone`) is on the public internet, or in a network of `allow`."""
    meant = _meant(ipaddress.ip_address(address.partition("%")[0]))
    if any(meant.version == network.version and meant in network for network in allow):
        return True
    # `is_global` is the IANA registries of special-purpose addresses: private, shared, loopback, link-local (and with
    # it 169.254.169.254, where clouds keep credentials), documentation, benchmarking, reserved.
    return meant.is_global and not meant.is_multicast


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, compatible, 6to4, Teredo, NAT64), else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in NAT64 or (address in COMPATIBLE and int(address) > 0xFFFF):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def connect(host: str, port: int, timeout_s: float, allow: Iterable[Network] = ()) -> socket.socket:
    """A TCP connection to a host, to an address of it that was checked; its timeout is what was left of `timeout_s`.

    Raises AddressError where the name is unknown, where any of its addresses is private, or where none answers. A name
    with one private address among public ones is refused whole: nobody who means well has one.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise AddressError("no-such-host", f"The name {host} is not known: {error}.") from error
    allow = tuple(allow)
    for *_, where in found:
        if not outside(str(where[0]), allow):
            raise AddressError(
                "private-address",
                f"{host} is {where[0]}, an address that is not on the public internet; `allow:` of the channel names "
                "the private networks it may reach.",
            )
    until = time.monotonic() + timeout_s
    last: OSError | None = None
    for family, kind, proto, _, where in found:
        made = socket.socket(family, kind, proto)
        try:
            made.settimeout(max(0.1, until - time.monotonic()))
            made.connect(where)
            made.settimeout(timeout_s)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            made.close()
            last = error
        else:
            return made
    raise AddressError("unreachable", f"{host}:{port} does not answer: {last or 'it has no address'}.")
