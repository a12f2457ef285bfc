"""Put made-up numbers, names, hosts and addresses in the place of a captured call's own.

The same value gets the same stand-in everywhere in the file, so that the call still hangs together.
Credentials are emptied. Read the result before you share it.
"""

from __future__ import annotations

import argparse
import gzip
import ipaddress
import json
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

STRING = r'"(?:[^"\\]|\\.)*"'
KEY_OR_TEXT = re.compile(rf"({STRING})(\s*:)?")
PAIR = re.compile(rf"({STRING})\s*:\s*({STRING})")
NUMBER_KEY = re.compile(
    r"number|(from|to|req|contact|auth)_user(name)?$|callee|ani$|user_name$|dialed|destination|presence",
    re.IGNORECASE,
)
NAME_KEY = re.compile(r"id[-_]name$|display(_name)?$|full_name$", re.IGNORECASE)
HOST_KEY = re.compile(
    r"hostname$|switchname$|realm$|domain(_name)?$|(from|to|req|contact|via|network)_host$", re.IGNORECASE
)
SECRET_KEY = re.compile(r"passw|secret|token|digest|nonce|authorization|a1[-_]hash|crypto", re.IGNORECASE)
DIGITS = re.compile(r"(?<!\d)\d{6,15}(?!\d)")
IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
IPV6 = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:.])")
MADE_UP_NETWORK = ipaddress.ip_network("192.0.2.0/24")


@dataclass
class StandIns:
    """What is said in the place of what."""

    numbers: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def learn(self, body: str) -> None:
        """Find the values that say who and where in one event."""
        for key, value in pairs(body):
            self._learn_value(key, value)
        for found in (*IPV4.findall(body), *IPV6.findall(body)):
            self._learn_address(found)

    def _learn_value(self, key: str, value: str) -> None:
        if NUMBER_KEY.search(key) or NAME_KEY.search(key):
            for number in DIGITS.findall(value):
                self.numbers.setdefault(number, made_up_number(len(number), len(self.numbers)))
        if NAME_KEY.search(key) and re.search(r"[^\W\d_]", value):
            self.names.setdefault(value, f"Caller {len(self.names) + 1}")
        if HOST_KEY.search(key) and re.search(r"[A-Za-z]", value) and not is_address(value):
            self.hosts.setdefault(value, f"host{len(self.hosts) + 1}.example")

    def _learn_address(self, text: str) -> None:
        if text in self.addresses or not is_address(text):
            return
        address = ipaddress.ip_address(text)
        if address.is_loopback or address.is_unspecified or address in MADE_UP_NETWORK:
            return
        count = sum(ipaddress.ip_address(known).version == address.version for known in self.addresses) + 1
        made_up = f"192.0.2.{count % 254 + 1}" if address.version == 4 else f"2001:db8::{count:x}"
        self.addresses[text] = made_up

    def replacer(self) -> Callable[[str], str]:
        """Return what puts the stand-ins into a body's texts, not its keys; longer values go first."""
        told = dict(self._spellings())
        if not told:
            return lambda body: body
        longest_first = (re.escape(text) for text in sorted(told, key=len, reverse=True))
        known = re.compile(rf"(?<![0-9A-Za-z])({'|'.join(longest_first)})(?![0-9A-Za-z])")

        def retell(match: re.Match[str]) -> str:
            return match[0] if match[2] else known.sub(lambda value: told[value[0]], match[0])

        return lambda body: KEY_OR_TEXT.sub(retell, body)

    def _spellings(self) -> Iterable[tuple[str, str]]:
        for table in (self.numbers, self.names, self.hosts, self.addresses):
            for value, made_up in table.items():
                yield value, made_up
                yield json.dumps(value)[1:-1], made_up
                yield json.dumps(value, ensure_ascii=False)[1:-1], made_up
                yield quote(value, safe=""), quote(made_up, safe="")
        for value, made_up in self.numbers.items():
            yield f"%2B{value}", f"%2B{made_up}"


def made_up_number(length: int, index: int) -> str:
    """Return a number as long as the one it stands for, which nobody has."""
    return f"0700{index:0{max(length - 4, 0)}d}"[:length] if length > 4 else f"{index:0{length}d}"


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def pairs(body: str) -> Iterable[tuple[str, str]]:
    """Return the keys and texts of a body, also those of a key that comes twice."""
    for key, value in PAIR.findall(body):
        yield key[1:-1], json.loads(value)


def without_secrets(body: str) -> str:
    return PAIR.sub(lambda match: f'{match[1]}:""' if SECRET_KEY.search(match[1]) else match[0], body)


def anonymise(bodies: list[str]) -> tuple[list[str], StandIns]:
    """Return the bodies with stand-ins, and which there are."""
    stand_ins = StandIns()
    for body in bodies:
        stand_ins.learn(body)
    replace = stand_ins.replacer()
    return [replace(without_secrets(body)) for body in bodies], stand_ins


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("captured", type=Path)
    parser.add_argument("anonymised", type=Path, help="a new file")
    given = parser.parse_args()
    with gzip.open(given.captured, "rt", encoding="utf-8", errors="replace", newline="\n") as file:
        told, stand_ins = anonymise(file.readlines())
    with gzip.open(given.anonymised, "xt", encoding="utf-8", newline="\n") as file:
        file.writelines(told)
    for kind, table in vars(stand_ins).items():
        sys.stderr.write(f"{len(table)} {kind}\n")


if __name__ == "__main__":
    main()
