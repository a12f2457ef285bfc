"""Where audio may be delivered to: nowhere inside the operator's own network.

A url is looked at twice, when it is saved and when a file is delivered, because what a name leads to can
change in between. Whoever delivers connects to the very addresses that ``check_url`` returned.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

Address = IPv4Address | IPv6Address
Resolve = Callable[..., Iterable[Any]]

PORTS = {"http": 80, "https": 443, "ftp": 21, "ftps": 21}
LONGEST_URL = 2048
LONGEST_NAME = 253
NEVER_IN_A_URL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff\\\"<>^`{|}]")
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
FULL_STOPS = str.maketrans("\u3002\uff0e\uff61", "...")

# Addresses that a cloud keeps for itself or that lead on to others, beside what is private anyway.
REFUSED_V4 = [
    IPv4Network(text) for text in ("168.63.129.16/32", "192.88.99.0/24", "100.64.0.0/10", "192.0.0.0/24")
]
GLOBAL_V6 = IPv6Network("2000::/3")
TRANSLATED = IPv6Network("64:ff9b::/96")


class UnsafeUrl(ValueError):
    """A url to which nothing is delivered; the message says why, for the person who wrote it."""


class UnknownHost(UnsafeUrl):
    """A url whose host has no address now, which may change."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The parts of a url that say where to connect; ``host`` is lower-case ASCII without a trailing dot."""

    scheme: str
    host: str
    port: int

    @property
    def literal(self) -> Address | None:
        """The address that the host itself is, however it is written."""
        return read_address(self.host)


def check_url(
    url: str, resolve: Resolve = socket.getaddrinfo, allowed: Collection[str] | None = None
) -> list[Address]:
    """Return the addresses behind a url, each public or the operator's choice; else raise UnsafeUrl.

    ``allowed`` are hosts that the operator lets through; by default CCPORTAL_DELIVERY_ALLOWED_HOSTS.
    """
    destination = read_url(url)
    literal = destination.literal
    found = [literal] if literal else addresses_of(destination, resolve)
    if destination.host not in allowed_hosts(allowed):
        for address in found:
            refuse_inside(destination.host, address)
    return found


def allowed_hosts(allowed: Collection[str] | None) -> set[str]:
    hosts = settings.CCPORTAL_DELIVERY_ALLOWED_HOSTS if allowed is None else allowed
    return {host.lower().rstrip(".").strip("[]") for host in hosts}


def read_url(url: str) -> Destination:
    """Read a url without looking any name up; raise UnsafeUrl for what is none."""
    if len(url) > LONGEST_URL or NEVER_IN_A_URL.search(url):
        raise UnsafeUrl("The address has a sign in it that does not belong there, or is too long.")
    parts, port = split(url)
    if parts.scheme not in PORTS:
        raise UnsafeUrl("The address begins with http://, https://, ftp:// or ftps://.")
    if parts.netloc.count("@") > 1 or not parts.hostname:
        raise UnsafeUrl("The address has no host.")
    if port == 0:
        raise UnsafeUrl("The address has no port that exists.")
    bracketed = parts.netloc.rpartition("@")[2].startswith("[")
    host = read_v6(parts.hostname) if bracketed else read_host(parts.hostname)
    return Destination(parts.scheme, host, port or PORTS[parts.scheme])


def split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnsafeUrl("This is not the address of a place on the net.") from None
    return parts, port


def read_v6(host: str) -> str:
    try:
        address = IPv6Address(host)
    except ValueError:
        raise UnsafeUrl("The address has no host.") from None
    if address.scope_id:
        raise UnsafeUrl("The address names a network card of this machine.")
    return str(address)


def read_host(host: str) -> str:
    """The name as it is looked up: what looks alike is made alike first, as a browser would."""
    name = unicodedata.normalize("NFKC", host).translate(FULL_STOPS).lower()
    try:
        ascii_name = name.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise UnsafeUrl("The host has a name that nobody can have.") from None
    if not ascii_name or len(ascii_name) > LONGEST_NAME:
        raise UnsafeUrl("The address has no host.")
    if not all(LABEL.fullmatch(label) for label in ascii_name.split(".")):
        raise UnsafeUrl("The host has a name that nobody can have.")
    if NUMBER.fullmatch(ascii_name.rpartition(".")[2]) and read_v4(ascii_name) is None:
        raise UnsafeUrl("The host looks like an address and is none.")
    return ascii_name


def read_address(host: str) -> Address | None:
    try:
        return IPv6Address(host)
    except ValueError:
        return read_v4(host)


def read_v4(host: str) -> IPv4Address | None:
    """The address that a C library reads: one to four numbers, decimal, octal or hexadecimal."""
    parts = host.split(".")
    if len(parts) > 4 or not all(NUMBER.fullmatch(part) for part in parts):
        return None
    try:
        *first, last = (read_number(part) for part in parts)
    except ValueError:
        return None
    if any(number > 255 for number in first) or last >= 256 ** (4 - len(first)):
        return None
    return IPv4Address(sum(number << 8 * (3 - place) for place, number in enumerate(first)) + last)


def read_number(text: str) -> int:
    if len(text) > 32:
        raise ValueError(text)
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8 if text.startswith("0") else 10)


def addresses_of(destination: Destination, resolve: Resolve) -> list[Address]:
    """Every address the name has now, each once."""
    try:
        answers = list(resolve(destination.host, destination.port, type=socket.SOCK_STREAM))
        found = dict.fromkeys(ipaddress.ip_address(answer[4][0].partition("%")[0]) for answer in answers)
    except (OSError, UnicodeError, ValueError):
        found = {}
    if not found:
        raise UnknownHost(f"No address is known for {destination.host}.")
    return list(found)


def without_secrets(url: str) -> str:
    """The url as everyone may see it: no user, password, query or fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def refuse_inside(host: str, address: Address) -> None:
    if not is_public(address):
        raise UnsafeUrl(f"{host} leads into a network that nothing is delivered to.")


def is_public(address: Address) -> bool:
    """Whether an address is on the open internet, also when it is wrapped in another."""
    if isinstance(address, IPv4Address):
        refused = address.is_multicast or any(address in network for network in REFUSED_V4)
        return address.is_global and not refused
    wrapped = wrapped_in(address)
    if wrapped:
        return is_public(wrapped)
    return address in GLOBAL_V6 and address.is_global and not address.is_multicast


def wrapped_in(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a mapped, translated, 6to4 or Teredo one leads to."""
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
