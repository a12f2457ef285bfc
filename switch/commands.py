"""Commands to a FreeSWITCH, built so that no value can become another command.

Values armed in a channel variable are expanded by the switch when they fire (`${system(…)}` would run),
so they are held to `[A-Za-z0-9_./-]`; nothing that came from a phone line belongs in any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from string import ascii_letters, ascii_lowercase, digits
from typing import TYPE_CHECKING, Final, Self

from switch.errors import UnsafeValue

if TYPE_CHECKING:
    from collections.abc import Mapping

ARMED: Final = frozenset(ascii_letters + digits + "_./-")
WORD: Final = frozenset(ascii_letters + digits + "_-")
TAG: Final = frozenset(ascii_letters + digits + "_.-")
VARIABLE: Final = frozenset(ascii_letters + digits + "_")
AGENT: Final = frozenset(ascii_letters + digits + "_.+-@")
EXTENSION: Final = frozenset(ascii_lowercase + digits)
REFUSED_IN_PATH: Final = frozenset("'\"\\{}`$|")
RUN_BY_THE_SWITCH: Final = ("execute_on_", "api_on_", "bridge_pre_execute", "api_hangup_hook", "exec_after")
ARMING_VARIABLE: Final = "execute_on_answer_ccportal"
LONGEST_PATH: Final = 1000
LONGEST_NAME: Final = 255
LONGEST_WORD: Final = 128
MOST_VARIABLES: Final = 64
FOUR_HOURS: Final = 4 * 60 * 60
LONGEST_LIMIT: Final = 7 * 24 * 60 * 60


class ReplyKind(StrEnum):
    """How the switch answered."""

    OK = "+OK"
    ERROR = "-ERR"
    USAGE = "-USAGE"
    DATA = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the switch: its kind and the text behind it; untrusted."""

    kind: ReplyKind
    text: str

    @property
    def ok(self) -> bool:
        """Tell whether the command was carried out."""
        return self.kind in {ReplyKind.OK, ReplyKind.DATA}

    @classmethod
    def parse(cls, answer: str) -> Self:
        """Read `+OK …`, `-ERR …`, `-USAGE: …`; anything else is data, kept as it came."""
        for kind in (ReplyKind.OK, ReplyKind.ERROR, ReplyKind.USAGE):
            if answer.startswith(kind.value):
                return cls(kind, answer.removeprefix(kind.value).removeprefix(":").strip())
        return cls(ReplyKind.DATA, answer)


@dataclass(frozen=True, slots=True)
class Command:
    """One api command, checked; `repeatable` when sending it twice does what sending it once does."""

    line: str
    repeatable: bool = True


class AgentStatus(StrEnum):
    """The statuses that mod_callcenter knows."""

    AVAILABLE = "Available"
    ON_DEMAND = "Available (On Demand)"
    ON_BREAK = "On Break"
    LOGGED_OUT = "Logged Out"


def start_recording(
    leg: str, path: str, limit_seconds: int = FOUR_HOURS, tags: Mapping[str, str] | None = None
) -> Command:
    """Record a leg into a file of ours; a path already being recorded answers +OK and changes nothing.

    Tags come back as `Recording-Variable-<name>` in RECORD_START and RECORD_STOP.
    """
    words = f"uuid_record {leg_uuid(leg)} start {our_path(path)} {seconds(limit_seconds)}"
    return Command(f"{words} {braces(tags)}" if tags else words)


def stop_recording(leg: str, path: str) -> Command:
    """End one recording of a leg, also one that we did not begin."""
    return Command(f"uuid_record {leg_uuid(leg)} stop {known_path(path)}")


def stop_all_recordings(leg: str) -> Command:
    """End every recording of this one leg."""
    return Command(f"uuid_record {leg_uuid(leg)} stop all")


def mask_recording(leg: str, path: str) -> Command:
    """Write silence into this one file from now on; other files of the call go on hearing."""
    return Command(f"uuid_record {leg_uuid(leg)} mask {known_path(path)}")


def unmask_recording(leg: str, path: str) -> Command:
    """End the silence of `mask_recording`."""
    return Command(f"uuid_record {leg_uuid(leg)} unmask {known_path(path)}")


def arm_recording(
    leg: str, path: str, limit_seconds: int = FOUR_HOURS, tags: Mapping[str, str] | None = None
) -> Command:
    """Let the switch itself begin the recording at the leg's answer, whatever our load is then."""
    words = f"record_session {our_path(path)} +{seconds(limit_seconds)}"
    value = f"{words} {braces(tags)}" if tags else words
    return Command(f"uuid_setvar {leg_uuid(leg)} {ARMING_VARIABLE} {value}")


def disarm_recording(leg: str) -> Command:
    """Take back `arm_recording`; without effect once the leg was answered."""
    return Command(f"uuid_setvar {leg_uuid(leg)} {ARMING_VARIABLE}")


def set_variables(leg: str, variables: Mapping[str, str]) -> Command:
    """Set up to 64 channel variables of a leg at once; none that the switch would run."""
    if not 0 < len(variables) <= MOST_VARIABLES:
        raise UnsafeValue("variables", str(len(variables)), f"from 1 to {MOST_VARIABLES} are allowed")
    pairs = (f"{variable_name(name)}={armed_value(value)}" for name, value in variables.items())
    return Command(f"uuid_setvar_multi {leg_uuid(leg)} {';'.join(pairs)}")


def set_agent_status(agent: str, status: AgentStatus) -> Command:
    """Set the status of a queue agent (`name@domain`)."""
    name = checked("agent", agent, AGENT, LONGEST_WORD)
    return Command(f"callcenter_config agent set status {name} '{AgentStatus(status).value}'")


def show_channels() -> Command:
    """Ask for every live leg, as JSON."""
    return Command("show channels as json")


def dump_channel(leg: str) -> Command:
    """Ask for everything known of a leg, as JSON."""
    return Command(f"uuid_dump {leg_uuid(leg)} json")


def list_recordings(leg: str) -> Command:
    """Ask what listens to a leg, recordings among them, as XML."""
    return Command(f"uuid_buglist {leg_uuid(leg)}")


def checked(what: str, value: str, allowed: frozenset[str], longest: int) -> str:
    """Return a value of allowed characters only, or raise UnsafeValue."""
    if not value or len(value) > longest:
        raise UnsafeValue(what, value, f"from 1 to {longest} characters are allowed")
    if not allowed.issuperset(value):
        raise UnsafeValue(what, value, f"only {''.join(sorted(allowed - set(ascii_letters + digits)))!r} "
                                       "are allowed beside letters and digits")  # fmt: skip
    return value


def leg_uuid(value: str) -> str:
    """Return a channel's uuid."""
    if value.startswith("-"):
        raise UnsafeValue("leg", value, "it may not begin with a dash")
    return checked("leg", value, WORD, LONGEST_WORD)


def armed_value(value: str) -> str:
    """Return a value that the switch may expand."""
    return checked("value", value, ARMED, LONGEST_PATH)


def variable_name(name: str) -> str:
    """Return the name of a channel variable that only holds a value."""
    if name.lower().startswith(RUN_BY_THE_SWITCH):
        raise UnsafeValue("variable", name, "the switch would run its value")
    return checked("variable", name, VARIABLE, LONGEST_WORD)


def our_path(path: str) -> str:
    """Return an absolute path of a file that we name ourselves."""
    checked("path", path, ARMED, LONGEST_PATH)
    names = path.split("/")
    stem, dot, extension = names[-1].rpartition(".")
    if not path.startswith("/") or ".." in names or any(len(name) > LONGEST_NAME for name in names):
        raise UnsafeValue("path", path, "it must be absolute, without '..' and with names up to 255 long")
    if not (stem and dot and extension and EXTENSION.issuperset(extension)):
        raise UnsafeValue("path", path, "it must end in a lower-case extension")
    return path


def known_path(path: str) -> str:
    """Return a path that a RECORD_START named, as one argument; not all that a dialplan can choose."""
    if not path.startswith("/") or len(path) > LONGEST_PATH or path != path.strip():
        raise UnsafeValue("path", path, "it must be absolute and up to 1000 characters")
    if not REFUSED_IN_PATH.isdisjoint(path) or not path.isprintable():
        raise UnsafeValue("path", path, "control characters, quotes, braces, '$', '|' and backslashes")
    return f"'{path}'" if " " in path else path


def seconds(limit: int) -> int:
    """Return the longest length of a recording, in seconds."""
    if not 0 < limit <= LONGEST_LIMIT:
        raise UnsafeValue("limit", str(limit), f"from 1 to {LONGEST_LIMIT} seconds are allowed")
    return int(limit)


def braces(tags: Mapping[str, str]) -> str:
    """Return recording variables as `{name=value,…}`."""
    pairs = (
        f"{checked('tag', name, VARIABLE, LONGEST_WORD)}={checked('tag', value, TAG, LONGEST_WORD)}"
        for name, value in tags.items()
    )
    return "{" + ",".join(pairs) + "}"
