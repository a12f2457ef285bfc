"""The captured calls of a real Asterisk: what its dialplan said over FastAGI, its CDR rows and queue_log."""

from __future__ import annotations

import json
import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from switch import events as ev
from switch.asterisk.master_csv import read_master_csv
from switch.asterisk.queue_log import read_queue_log_line
from switch.asterisk.records import split_records
from switch.fastagi.protocol import AgiSession, report_of

ASTERISK = Path(__file__).parent / "data" / "asterisk"
ZONE = zoneinfo.ZoneInfo("Europe/Moscow")
STARTED = re.compile(r"# ---- session \d+, connected (?P<at>[0-9: -]+) \(")
LINE = re.compile(r"(?P<who>[<>=])\*? +(?P<seconds>[0-9.]+) \| ?(?P<text>.*)\Z", re.DOTALL)
ENCODED = re.compile(r"GET FULL VARIABLE \$\{URIENCODE\(\$\{(?P<name>.*)\}\)\}\Z")
PLAIN = re.compile(r"GET VARIABLE (?P<name>.*)\Z")
NONCE = re.compile(r"GET FULL VARIABLE (?P<word>\w+)\Z")


@cache
def index() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ASTERISK / "INDEX.json").read_text())
    return found


def names() -> list[str]:
    return sorted(index())


@dataclass
class Session:
    """One captured session: the environment as it came, and what each variable was."""

    environment: list[str] = field(default_factory=list)
    replies: dict[str, str] = field(default_factory=dict)

    @property
    def greeting(self) -> bytes:
        return "".join(f"{line}\n" for line in self.environment).encode()

    def answer(self, command: str) -> bytes:
        """What this Asterisk would have answered."""
        if found := NONCE.match(command):
            return f"200 result=1 ({found['word']})\n".encode()
        if found := ENCODED.match(command):
            return self._encoded(found["name"])
        if found := PLAIN.match(command):
            return f"{self.replies.get(found['name'], '200 result=0')}\n".encode()
        return b"510 Invalid or unknown command\n"

    def _encoded(self, name: str) -> bytes:
        reply = self.replies.get(name, "200 result=0")
        value = reply.removeprefix("200 result=1 (").removesuffix(")") if "(" in reply else ""
        return f"200 result=1 ({quote(value, safe='')})\n".encode()


@cache
def sessions(name: str) -> tuple[Session, ...]:
    found: list[Session] = []
    asked, in_environment = "", False
    for raw in (ASTERISK / f"{name}.agi.txt").read_text(errors="surrogateescape").split("\n"):
        if STARTED.match(raw):
            found.append(Session())
            in_environment = True
            continue
        line = LINE.match(raw)
        if line is None or line["who"] == "=":
            continue
        if line["who"] == ">":
            variable = PLAIN.match(line["text"])
            asked, in_environment = variable["name"] if variable else "", False
        elif in_environment:
            found[-1].environment.append(line["text"])
        elif asked and (raw.startswith("<*") or line["text"] != "HANGUP"):
            found[-1].replies[asked] = "\n".join(
                [*found[-1].replies.get(asked, "").split("\n"), line["text"]]
            ).lstrip("\n")
    return tuple(found)


def reports(name: str) -> list[ev.AgiReported]:
    return [talk(session) for session in sessions(name)]


def talk(session: Session, *, size: int = 1 << 16) -> ev.AgiReported:
    """Let our side ask until it knows all, ``size`` bytes at a time."""
    ours = AgiSession("f00dfeed")
    waiting = session.greeting
    while waiting and not ours.done:
        piece, waiting = waiting[:size], waiting[size:]
        for command in ours.receive(piece).decode().splitlines():
            waiting += session.answer(command)
    assert ours.done
    return report_of(ours, 0)


def rows(name: str) -> list[ev.AsteriskCdr]:
    data = (ASTERISK / f"{name}.cdr.csv").read_bytes()
    found = list(read_master_csv(split_records(data, final=True), ZONE))
    assert all(isinstance(row, ev.AsteriskCdr) for row in found), found
    return [row for row in found if isinstance(row, ev.AsteriskCdr)]


def lines(name: str) -> list[ev.QueueLogged]:
    path = ASTERISK / f"{name}.queue_log.txt"
    return list(_lines(path.read_bytes())) if path.exists() else []


def _lines(data: bytes) -> Iterator[ev.QueueLogged]:
    for line in data.splitlines():
        found = read_queue_log_line(line)
        assert isinstance(found, ev.QueueLogged)
        yield found


def everything(name: str) -> list[ev.Event]:
    return [*reports(name), *rows(name), *lines(name)]
