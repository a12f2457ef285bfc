"""One FastAGI session as bytes in, bytes out: what the environment says, then one question at a time.

Everything comes from a phone line. A caller's name may hold line feeds, so it can end the environment
early and forge replies: the first of two keys wins, a random word that must come back shows where our
replies begin, and values are asked for percent-encoded, so that each is one line.
Source: sessions captured from a real Asterisk.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from switch import events as ev
from switch.asterisk.identity import fingerprint
from switch.asterisk.ids import is_unique_id
from switch.cdrs.report import clean, whole
from switch.errors import SwitchError

LONGEST_LINE = 16 * 1024
MOST_LINES = 512
MOST_BYTES = 256 * 1024
PREFIX = "agi_"
FIRST_VARIABLE = "UNIQUEID"
VARIABLES = (
    FIRST_VARIABLE,
    "CHANNEL(linkedid)",
    "CHANNEL(state)",
    "CALLERID(num)",
    "CALLERID(name)",
    "DNID",
    "DIALSTATUS",
    "HANGUPCAUSE",
    "ANSWEREDTIME",
    "ANSWEREDTIME_MS",
    "DIALEDTIME",
    "DIALEDTIME_MS",
    "DIALEDPEERNAME",
    "DIALEDPEERNUMBER",
    "MIXMONITOR_FILENAME",
    "QUEUENAME",
    "QUEUESTATUS",
    "ABANDONED",
    "MEMBERINTERFACE",
    "MEMBERNAME",
    "QEHOLDTIME",
    "CDR(dst)",
    "CDR(start,u)",
    "CDR(end,u)",
    "EPOCH",
)
REPLY = re.compile(r"([0-9]{3})(?:[ -](.*))?\Z", re.DOTALL)
RESULT = re.compile(r"result=(-?[0-9]+)(?: \((.*)\))?\Z", re.DOTALL)
OPEN_RESULT = re.compile(r"200 result=1 \((?!.*\)\Z)", re.DOTALL)


class AgiError(SwitchError):
    """The peer does not speak FastAGI, or too much of it; only closing helps."""

    permanent = True


class Phase(Enum):
    ENVIRONMENT = auto()
    SYNCHRONISING = auto()
    ASKING = auto()
    DONE = auto()


@dataclass(slots=True)
class AgiSession:
    """The server's side of a session; ``nonce`` is a word that nobody can foresee.

    ``receive`` takes bytes and returns those to send. At ``done`` there is nothing left to ask.
    """

    nonce: str
    asked: Sequence[str] = VARIABLES
    environment: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    phase: Phase = Phase.ENVIRONMENT
    hung_up: bool = False
    _buffer: bytes = b""
    _position: int = 0
    _plain: bool = False
    _lines: int = 0
    _bytes: int = 0
    _open: str = ""
    _explaining: bool = False

    @property
    def done(self) -> bool:
        return self.phase is Phase.DONE

    @property
    def known(self) -> bool:
        """Whether enough was told to be worth keeping."""
        return is_unique_id(self.unique_id)

    @property
    def unique_id(self) -> str:
        """The environment's, which comes before anything that a caller can write."""
        return self.environment.get("agi_uniqueid") or self.variables.get(FIRST_VARIABLE, "")

    def receive(self, data: bytes) -> bytes:
        """Read on; raise AgiError when the peer sends what no Asterisk does."""
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            raise AgiError("too many bytes in one session")
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > LONGEST_LINE or any(len(line) > LONGEST_LINE for line in lines):
            raise AgiError("a line without end")
        return b"".join(self._read(line) for line in lines)

    def _read(self, line: bytes) -> bytes:
        text = clean(line.decode("utf-8", "replace").removesuffix("\r"))
        self._lines += 1
        if self._lines > MOST_LINES:
            raise AgiError("too many lines in one session")
        match self.phase:
            case Phase.ENVIRONMENT:
                return self._read_environment(text)
            case Phase.SYNCHRONISING:
                return self._synchronise(text)
            case Phase.ASKING:
                return self._read_reply(text)
        return b""

    def _read_environment(self, text: str) -> bytes:
        if text:
            self._keep(text)
            return b""
        if not self.environment:
            raise AgiError("not an AGI environment")
        self.phase = Phase.SYNCHRONISING
        return f"GET FULL VARIABLE {self.nonce}\n".encode()

    def _keep(self, text: str) -> None:
        name, colon, value = text.partition(": ")
        if colon and name.startswith(PREFIX):
            self.environment.setdefault(name, value)

    def _synchronise(self, text: str) -> bytes:
        """Skip what a name with line feeds left over, up to the answer to our own question."""
        if text != f"200 result=1 ({self.nonce})":
            self._keep(text)
            return b""
        self.phase = Phase.ASKING
        return self._ask()

    def _ask(self) -> bytes:
        if self._position >= len(self.asked):
            self.phase = Phase.DONE
            return b""
        name = self.asked[self._position]
        if self._plain:
            return f"GET VARIABLE {name}\n".encode()
        return f"GET FULL VARIABLE ${{URIENCODE(${{{name}}})}}\n".encode()

    def _read_reply(self, text: str) -> bytes:
        """Take a reply; what Asterisk says unasked in between is not one."""
        if self._open:
            text = f"{self._open}\n{text}"
            self._open = ""
        elif text == "HANGUP":
            self.hung_up = True
            return b""
        if self._plain and OPEN_RESULT.match(text) and len(text) < LONGEST_LINE:
            self._open = text
            return b""
        reply = REPLY.match(text)
        if reply is None or self._is_explanation(text):
            return b""
        return self._answered(reply[1], reply[2] or "")

    def _is_explanation(self, text: str) -> bool:
        """A 520 may explain itself over several lines: ``520-…`` to ``520 …``."""
        if text.startswith("520-"):
            self._explaining = True
        elif text.startswith("520 ") or not self._explaining:
            self._explaining = False
        return self._explaining

    def _answered(self, code: str, rest: str) -> bytes:
        name = self.asked[self._position]
        found = RESULT.match(rest) if code == "200" else None
        value = found[2] if found and found[1] == "1" and found[2] else ""
        if name == FIRST_VARIABLE and not value and not self._plain:
            self._plain = True
            return self._ask()
        if value:
            self.variables[name] = value if self._plain else clean(value, encoded=True)
        self._position += 1
        return self._ask()


def report_of(session: AgiSession, received: int) -> ev.AgiReported:
    """Return what the session told; ``received`` is our own time, microseconds, for when it told none."""
    said, told = session.environment, session.variables
    at = whole(told.get("EPOCH", "")) * ev.MICROSECONDS or received
    number = told.get("CALLERID(num)") or said.get("agi_callerid", "")
    name = told.get("CALLERID(name)") or said.get("agi_calleridname", "")
    identity = [f"{key}={value}" for key, value in sorted({**said, **told}.items())]
    return ev.AgiReported(
        core=f"asterisk:agi:{session.unique_id}",
        sequence=fingerprint(*identity),
        at=at,
        unique_id=session.unique_id,
        linked_id=told.get("CHANNEL(linkedid)", ""),
        channel=said.get("agi_channel", ""),
        context=said.get("agi_context", ""),
        extension=said.get("agi_extension", ""),
        caller_number=_known(number),
        caller_name=_known(name),
        account_code=said.get("agi_accountcode", ""),
        variables={key: value for key, value in told.items() if key not in (FIRST_VARIABLE, "EPOCH")},
    )


def _known(text: str) -> str:
    """AGI says ``unknown`` for what it does not know."""
    return "" if text == "unknown" else text
