"""Files go where they may, over every way that a receiver can fail."""

from __future__ import annotations

import ssl
import time
from typing import Any

import pytest
import trustme

from recordings.delivery.errors import DeliveryFailed
from recordings.delivery.http import Message, body_of, send
from recordings.delivery.network import Network
from tests.recordings.delivery import receivers
from tests.recordings.delivery.receivers import Names, in_turn, receiving, taking

BODY = b"RIFF" + b"sound" * 1000
OPERATOR = ("127.0.0.1", "store.example")
LOOPBACK = {"store.example": [["127.0.0.1"]]}


def message(method: str = "PUT", body: bytes = BODY) -> Message:
    return Message(method, {"Content-Type": "audio/mpeg"}, body_of(body), len(body))


def network(**fields: Any) -> Network:
    defaults: dict[str, Any] = {"allowed": OPERATOR, "silence_seconds": 0.5, "whole_seconds": 5.0}
    return Network(**defaults | fields)


def refused(url: str, net: Network | None = None) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        send(url, message(), net or network())
    return caught.value


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_the_body_arrives_with_its_length_and_type(method: str) -> None:
    with receiving(taking(201)) as receiver:
        send(f"{receiver.url}/a/b.mp3?x=1", message(method), network())
    taken = receiver.taken[0]
    assert (taken.method, taken.path, taken.body) == (method, "/a/b.mp3?x=1", BODY)
    assert (taken.headers["Content-Length"], taken.headers["Content-Type"]) == (str(len(BODY)), "audio/mpeg")
    assert taken.headers["Host"] == f"127.0.0.1:{receiver.server_port}"
    assert "Transfer-Encoding" not in taken.headers


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_success(status: int) -> None:
    with receiving(taking(status)) as receiver:
        send(receiver.url, message(), network())


@pytest.mark.parametrize("status", [304, 400, 401, 403, 404, 413, 429, 500, 503])
def test_every_other_status_is_told_and_tried_again(status: int) -> None:
    with receiving(taking(status)) as receiver:
        failed = refused(receiver.url)
    assert (failed.reason, failed.permanent) == (f"The receiver answered with status {status}.", False)


def test_what_is_gone_is_not_tried_again() -> None:
    with receiving(taking(410)) as receiver:
        assert refused(receiver.url).permanent


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("120", 120), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("soon", None), ("-1", None), ("9" * 40, None)],
)
def test_retry_after_is_read(told: str, seconds: int | None) -> None:
    with receiving(taking(503, Retry_After=told)) as receiver:
        assert refused(receiver.url).retry_after == seconds


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("hang", "The receiver did not answer in time."),
        ("cut", "Connection reset by peer."),
        ("garbage", "The connection broke (BadStatusLine)."),
    ],
)
def test_a_receiver_that_breaks_off_is_told(behaviour: str, reason: str) -> None:
    body = b"x" * 20_000_000 if behaviour == "cut" else BODY
    with receiving(getattr(receivers, behaviour)) as receiver, pytest.raises(DeliveryFailed) as caught:
        send(receiver.url, message(body=body), network())
    assert not caught.value.permanent
    if behaviour != "cut":
        assert caught.value.reason == reason


@pytest.mark.timing
def test_one_that_answers_a_byte_at_a_time_is_left() -> None:
    began = time.monotonic()
    with receiving(receivers.drip) as receiver:
        failed = refused(receiver.url, network(whole_seconds=1))
    assert failed.reason == "It took longer than 1 seconds."
    assert time.monotonic() - began < 3


def test_an_endless_answer_is_not_read() -> None:
    with receiving(receivers.endless) as receiver:
        send(receiver.url, message(), network())


def test_nobody_at_the_port_is_told() -> None:
    with receiving(taking()) as receiver:
        url = receiver.url
    assert refused(url).reason == "Connection refused."


def test_a_name_without_address_is_tried_again() -> None:
    def nowhere(*_: Any, **__: Any) -> list[Any]:
        raise OSError("no such name")

    failed = refused("http://store.example/", network(resolve=nowhere))
    assert (failed.reason, failed.permanent) == ("No address is known for store.example.", False)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_keeps_method_and_body(status: int) -> None:
    with receiving(in_turn(taking(status, Location="/there?x=2"), taking())) as receiver:
        send(f"{receiver.url}/here", message("PUT"), network())
    assert [(taken.method, taken.path, taken.body) for taken in receiver.taken] == [
        ("PUT", "/here", BODY),
        ("PUT", "/there?x=2", BODY),
    ]


def test_ten_redirects_are_followed_and_no_more() -> None:
    with receiving(in_turn(*[taking(307, Location="/on")] * 10, taking())) as receiver:
        send(receiver.url, message(), network())
    assert len(receiver.taken) == 11
    with receiving(taking(307, Location="/on")) as receiver:
        assert refused(receiver.url).reason == "The receiver redirected more than 10 times."
    assert len(receiver.taken) == 11


INSIDE = [
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:1/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://10.0.0.8/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://[fd00::1]/",
    "http://[fe80::1]/",
    "http://0/",
    "//127.0.0.1/",
]


@pytest.mark.parametrize("location", INSIDE)
def test_a_redirect_inside_is_refused(location: str) -> None:
    net = network(resolve=Names(LOOPBACK), allowed=("store.example",))
    with receiving(taking(307, Location=location)) as receiver:
        failed = refused(f"http://store.example:{receiver.server_port}/", net)
    assert failed.permanent
    assert failed.reason.startswith("The redirect: Refused: ")
    assert len(receiver.taken) == 1


@pytest.mark.parametrize(
    "location", ["ftp://store.example/", "file:///etc/passwd", "gopher://x/", "http://["]
)
def test_a_redirect_to_another_scheme_or_nonsense_is_refused(location: str) -> None:
    with receiving(taking(307, Location=location)) as receiver:
        assert refused(receiver.url).reason.startswith("The redirect")


def test_a_redirect_to_a_name_that_leads_inside_is_refused() -> None:
    names = Names(LOOPBACK | {"evil.example": [["10.0.0.5"]]})
    with receiving(taking(307, Location="http://evil.example/")) as receiver:
        url = f"http://store.example:{receiver.server_port}/"
        failed = refused(url, network(resolve=names, allowed=("store.example",)))
    assert (
        failed.reason
        == "The redirect: Refused: evil.example leads into a network that nothing is delivered to."
    )


@pytest.mark.parametrize("url", [f"{url}x" for url in INSIDE if url.startswith("http")])
def test_inside_addresses_are_refused_without_the_operators_word(url: str) -> None:
    failed = refused(url, network(allowed=()))
    assert failed.permanent
    assert failed.reason.startswith("Refused: ")


def test_without_the_operators_word_nothing_even_connects() -> None:
    with receiving(taking()) as receiver:
        assert refused(receiver.url, network(allowed=())).permanent
    assert receiver.taken == []


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """The name answers with the checked address once and with another ever after: nobody asks again."""
    names = Names({"store.example": [["127.0.0.1"], ["192.0.2.1"]]})
    with receiving(taking()) as receiver:
        send(f"http://store.example:{receiver.server_port}/", message(), network(resolve=names))
    assert names.asked == ["store.example"]
    assert receiver.taken[0].headers["Host"] == f"store.example:{receiver.server_port}"


def test_a_name_that_came_to_lead_inside_since_it_was_saved_is_refused() -> None:
    names = Names({"store.example": [["93.184.216.34"], ["127.0.0.1"]]})
    with receiving(taking()) as receiver:
        url = f"http://store.example:{receiver.server_port}/"
        names(host="store.example", port=80)
        failed = refused(url, network(resolve=names, allowed=()))
    assert (failed.permanent, receiver.taken) == (True, [])


def test_a_name_of_a_public_and_a_private_address_is_refused() -> None:
    names = Names({"store.example": [["93.184.216.34", "10.0.0.8"]]})
    assert refused("http://store.example/", network(resolve=names, allowed=())).permanent


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    names = Names({"store.example": [["127.0.0.2", "127.0.0.1"]]})
    with receiving(taking()) as receiver:
        send(f"http://store.example:{receiver.server_port}/", message(), network(resolve=names))
    assert len(receiver.taken) == 1


def test_user_and_password_are_sent_and_never_told() -> None:
    with receiving(in_turn(taking(307, Location="/on"), taking(500))) as receiver:
        url = receiver.url.replace("//", "//ann:p%40ss@")
        failed = refused(url)
    assert [taken.headers["Authorization"] for taken in receiver.taken] == ["Basic YW5uOnBAc3M="] * 2
    assert "ann" not in failed.reason


def test_a_password_does_not_go_along_to_another_host() -> None:
    with receiving(taking()) as other, receiving(taking(307, Location=f"{other.url}/on")) as receiver:
        send(receiver.url.replace("//", "//ann:secret@"), message(), network())
    assert "Authorization" in receiver.taken[0].headers
    assert "Authorization" not in other.taken[0].headers


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_https_is_verified_by_the_hosts_own_name(authority: trustme.CA) -> None:
    names = Names(LOOPBACK | {"other.example": [["127.0.0.1"]]})
    allowed = ("store.example", "other.example")
    net = network(resolve=names, allowed=allowed, tls=lambda: client_tls(authority))
    with receiving(taking(), server_tls(authority, "store.example")) as receiver:
        send(f"https://store.example:{receiver.server_port}/", message(), net)
        failed = refused(f"https://other.example:{receiver.server_port}/", net)
        strange = refused(f"https://store.example:{receiver.server_port}/", network(resolve=names))
    assert failed.reason.startswith("The certificate is not valid for the host")
    assert strange.reason.startswith("The certificate is not valid for the host")
    assert len(receiver.taken) == 1


def test_a_redirect_from_https_to_http_is_refused(authority: trustme.CA) -> None:
    net = network(resolve=Names(LOOPBACK), tls=lambda: client_tls(authority))
    with receiving(taking()) as plain:
        location = f"http://store.example:{plain.server_port}/"
        with receiving(taking(307, Location=location), server_tls(authority, "store.example")) as receiver:
            failed = refused(f"https://store.example:{receiver.server_port}/", net)
    assert failed.reason == "Refused: the redirect leads from https to http."
    assert plain.taken == []
