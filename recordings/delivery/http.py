"""PUT and POST over HTTP: to checked addresses only, over redirects, within a time."""

from __future__ import annotations

import contextlib
import io
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, BinaryIO
from urllib.parse import urljoin

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from recordings.delivery.errors import DeliveryFailed
from recordings.delivery.network import PIECE_BYTES, Deadline, Network, Place, find, words_of

MOST_REDIRECTS = 10
REDIRECTS = frozenset({301, 302, 303, 307, 308})
GONE = 410
BROKEN = (OSError, HTTPException, HTTPError)
USER_AGENT = "ccportal"

Open = Callable[[], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True)
class Message:
    """What is sent; ``open_body`` gives the body anew for each redirect, ``size`` its bytes.

    Of the answer ``most_read`` bytes are wanted. What ``stays`` goes to no other host than the first.
    """

    method: str
    headers: Mapping[str, str]
    open_body: Open
    size: int
    most_read: int = 0
    stays: bool = False


@dataclass(frozen=True)
class Answer:
    """What the receiver said."""

    status: int
    location: str
    retry_after: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def body_of(data: bytes) -> Open:
    return lambda: contextlib.closing(io.BytesIO(data))


def send(url: str, message: Message, network: Network) -> None:
    """Send the message, wherever the receiver redirects it to; raise DeliveryFailed unless it was taken."""
    judge(ask(url, message, network, Deadline(network.whole_seconds)))


def ask(url: str, message: Message, network: Network, deadline: Deadline) -> Answer:
    """Send the message, wherever the receiver redirects it to, and return what is said in the end."""
    place = find_web(url, network)
    credentials = basic(place)
    for _ in range(MOST_REDIRECTS + 1):
        answer = exchange(place, message, credentials, network, deadline)
        if answer.status not in REDIRECTS or not answer.location:
            return answer
        onward = follow(place, answer.location, network)
        if message.stays and onward.origin != place.origin:
            raise DeliveryFailed("Refused: the redirect leads to another host.", permanent=True)
        credentials = basic(onward) or (credentials if onward.origin == place.origin else "")
        place = onward
    raise DeliveryFailed(f"The receiver redirected more than {MOST_REDIRECTS} times.")


def find_web(url: str, network: Network) -> Place:
    place = find(url, network)
    if place.destination.scheme not in ("http", "https"):
        raise DeliveryFailed("Refused: this goes over http and https alone.", permanent=True)
    return place


def follow(place: Place, location: str, network: Network) -> Place:
    """The place a redirect leads to, checked like the first, and never from https back to http."""
    try:
        url = urljoin(place.parts.geturl(), location)
        onward = find_web(url, network)
    except DeliveryFailed as failed:
        raise DeliveryFailed(f"The redirect: {failed.reason}", permanent=failed.permanent) from None
    except ValueError:
        raise DeliveryFailed("The redirect leads to what is no address.") from None
    if place.destination.scheme == "https" and onward.destination.scheme != "https":
        raise DeliveryFailed("Refused: the redirect leads from https to http.", permanent=True)
    return onward


def basic(place: Place) -> str:
    if place.user is None:
        return ""
    return f"Basic {b64encode(':'.join(place.user).encode()).decode('ascii')}"


def judge(answer: Answer) -> None:
    if 200 <= answer.status < 300:
        return
    reason = f"The receiver answered with status {answer.status}."
    raise DeliveryFailed(reason, permanent=answer.status == GONE, retry_after=answer.retry_after)


def exchange(
    place: Place, message: Message, credentials: str, network: Network, deadline: Deadline
) -> Answer:
    """One request and its answer, with the first of the addresses that takes a connection."""
    with connected(place, network, deadline) as connection, message.open_body() as body:
        try:
            return talk(connection, place, message, body, credentials)
        except BROKEN as error:
            raise DeliveryFailed(words_of(error, deadline), unsure=True) from error


def talk(
    connection: HTTPConnection, place: Place, message: Message, body: BinaryIO, credentials: str
) -> Answer:
    # A receiver may answer and close before it has read everything; its answer is what counts then.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request(
            message.method,
            target_of(place),
            body=body,
            headers=headers_of(place, message, credentials),
            preload_content=False,
        )
    response = connection.getresponse()
    try:
        return read_answer(response, message.most_read)
    finally:
        response.close()


def target_of(place: Place) -> str:
    path = place.parts.path or "/"
    return f"{path}?{place.parts.query}" if place.parts.query else path


def headers_of(place: Place, message: Message, credentials: str) -> dict[str, str]:
    named = {"Host": host_header(place), "User-Agent": USER_AGENT, "Content-Length": str(message.size)}
    own = {"Authorization": credentials} if credentials else {}
    return {**message.headers, **named, **own, "Accept-Encoding": "identity", "Connection": "close"}


def host_header(place: Place) -> str:
    scheme, host, port = place.origin
    name = f"[{host}]" if ":" in host else host
    return name if port == {"http": 80, "https": 443}[scheme] else f"{name}:{port}"


def read_answer(response: BaseHTTPResponse, most: int) -> Answer:
    """Status and headers, and no more of the body than is wanted: it may be endless."""
    headers = response.headers
    body = response.read(most + 1, decode_content=False) if most else b""
    if len(body) > most:
        raise DeliveryFailed(f"The answer is longer than {most:,} bytes.", unsure=True)
    retry_after = seconds_of(headers.get("Retry-After", ""))
    return Answer(response.status, headers.get("Location", ""), retry_after, dict(headers), body)


def seconds_of(text: str) -> int | None:
    """Retry-After: seconds, or a date."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, round((aware - datetime.now(UTC)).total_seconds()))


@contextmanager
def connected(place: Place, network: Network, deadline: Deadline) -> Iterator[HTTPConnection]:
    connection = connect(place, network, deadline)
    try:
        with deadline.over(lambda: [connection.sock]):
            yield connection
    finally:
        connection.close()


def connect(place: Place, network: Network, deadline: Deadline) -> HTTPConnection:
    """Connect to one of the checked addresses, in order; what the last one said is the reason."""
    reason = ""
    for address in place.addresses:
        connection = connection_to(address, place, network)
        try:
            with deadline.over(lambda: [connection.sock]):  # noqa: B023
                connection.connect()
        except BROKEN as error:
            connection.close()
            reason = words_of(error, deadline)
            continue
        connection.timeout = network.silence_seconds
        if connection.sock:
            connection.sock.settimeout(network.silence_seconds)
        return connection
    raise DeliveryFailed(reason or "The host has no address.")


def connection_to(address: str, place: Place, network: Network) -> HTTPConnection:
    """A connection to the address that asks for the host's own name, and its certificate."""
    scheme, host, port = place.origin
    common: dict[str, Any] = {"port": port, "timeout": network.connect_seconds, "blocksize": PIECE_BYTES}
    if scheme == "http":
        return HTTPConnection(address, **common)
    return HTTPSConnection(address, **common, ssl_context=network.tls(), server_hostname=host)
