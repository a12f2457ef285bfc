"""Where audio may go: every way to write an address of the inside is seen through."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.addresses import UnknownHost, UnsafeUrl, check_url, is_public, read_v4, without_secrets

PUBLIC = "93.184.215.14"


def names(**addresses: str) -> Any:
    """A resolver that knows these names."""

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        name = host.replace(".", "_").replace("-", "_")
        if name not in addresses:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        found = addresses[name].split()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    return resolve


DNS = names(
    example_com=PUBLIC,
    both_example=f"{PUBLIC} 2606:2800:21f:cb07:6820:80da:af6b:8b2c",
    mixed_example=f"{PUBLIC} 10.0.0.1",
    inside_example="192.168.1.20",
    six_example="fd00::1",
    mapped_example="::ffff:127.0.0.1",
    xn__bcher_kva_example=PUBLIC,
    localhost="127.0.0.1",
)


def refused(url: str, **more: Any) -> bool:
    try:
        check_url(url, DNS, **({"allowed": ()} | more))
    except UnsafeUrl:
        return True
    return False


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com/up?token=a%20b",
        "https://EXAMPLE.com.:8443/",
        "ftp://user:pa%40ss@example.com/in",
        "ftps://example.com/",
        "https://bücher.example/",
        "https://both.example/",
        f"http://{PUBLIC}/",
        "http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
    ],
)
def test_public_places_are_let_through(url: str) -> None:
    assert check_url(url, DNS, ()) != []


INSIDE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "0",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "0xA9FEA9FE",
    "168.63.129.16",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "[::]",
    "[::1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:a9fe:a9fe]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2001:0:0:0:0:0:80ff:fffe]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fec0::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[2001:db8::1]",
    "localhost",
    "LOCALHOST.",
    "inside.example",
    "six.example",
    "mapped.example",
    "mixed.example",
]


@pytest.mark.parametrize("host", INSIDE)
@pytest.mark.parametrize("scheme", ["http", "ftps"])
def test_the_inside_is_refused_however_it_is_written(scheme: str, host: str) -> None:
    assert refused(f"{scheme}://{host}/up")
    assert refused(f"{scheme}://someone:secret@{host}:8080/up")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com",
        "file:///etc/passwd",
        "gopher://example.com",
        "javascript:alert(1)",
        "http://",
        "http:///up",
        "http://:80/",
        "http://.",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://example.com:port/",
        "http://example.com@127.0.0.1/",
        "http://127.0.0.1\\@example.com/",
        "http://127.0.0.1#@example.com/",
        "http://127.0.0.1?@example.com/",
        "http://a@b@example.com/",
        "http://exa mple.com/",
        "http://example.com/\r\nHost: evil",
        "http://example.com/\x00",
        "http://example.com/\u2028",
        "http://[::1/",
        "http://[example.com]/",
        "http://256.256.256.256/",
        "http://1.2.3.4.5/",
        "http://08.1.1.1/",
        "http://${system(reboot)}/",
        "http://-example.com/",
        f"http://{'a' * 64}.com/",
        f"http://example.com/{'a' * 2048}",
        "http://unknown.example/",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    assert refused(url)


def test_a_name_without_an_address_is_told_apart() -> None:
    with pytest.raises(UnknownHost):
        check_url("https://unknown.example/", DNS, ())


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:9000/up", ["127.0.0.1"]),
        ("http://0x7f.1/up", ["0x7f.1"]),
        ("http://[::1]/up", ["::1"]),
        ("http://inside.example/up", ["other.example", "Inside.example."]),
    ],
)
def test_the_operator_can_allow_a_host(url: str, allowed: list[str]) -> None:
    assert refused(url)
    assert not refused(url, allowed=allowed)


def test_allowing_a_host_allows_no_other() -> None:
    assert refused("http://10.0.0.1/", allowed=["inside.example"])


def test_the_setting_says_which_hosts_are_allowed(settings: Any) -> None:
    settings.CCPORTAL_DELIVERY_ALLOWED_HOSTS = ["inside.example"]
    assert [str(found) for found in check_url("http://inside.example/", DNS)] == ["192.168.1.20"]


def test_every_address_is_returned_once() -> None:
    found = check_url("https://both.example/", DNS, ())
    assert [str(address) for address in found] == [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]


@given(st.ip_addresses(v=4))
def test_an_address_is_read_in_every_form(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    a, b, c, d = address.packed
    forms = [
        f"{address}",
        f"{number}",
        f"{number:#x}",
        f"0{number:o}",
        f"{a}.{(b << 16) + (c << 8) + d}",
        f"{a:#x}.{b}.{(c << 8) + d}",
        f"0{a:o}.{b:#x}.{c}.0{d:o}",
    ]
    assert {read_v4(form) for form in forms} == {address}
    if not is_public(address):
        assert all(refused(f"http://{form}/") for form in forms)


@given(st.ip_addresses(v=4))
def test_an_address_wrapped_in_another_is_as_public_as_itself(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    wrapped = [
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("::ffff:0:0")) + number),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + number),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("2002::")) + (number << 80)),
    ]
    assert {is_public(one) for one in wrapped} == {is_public(address)}


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"https://{text}/up"):
        try:
            found = check_url(url, DNS, ())
        except UnsafeUrl:
            continue
        assert all(is_public(address) for address in found)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ann:p%40ss@x.example:8443/in/?key=1#y", "https://x.example:8443/in/"),
        ("ftp://a@b@x.example/", "ftp://x.example/"),
        ("http://[", ""),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert without_secrets(url) == shown
