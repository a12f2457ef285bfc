"""mod_callcenter's configuration as XML: read from untrusted text into plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from switch.errors import SwitchError

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST: Final = 32 * 1024 * 1024
Values = dict[str, str]


class MalformedConfiguration(SwitchError, ValueError):
    """Text that is no XML, or that would have other files or entities read."""

    permanent = True


@dataclass(slots=True)
class Configuration:
    """Settings, queues and agents by name, and tiers by queue and agent, each with its values as text."""

    settings: Values = field(default_factory=dict)
    queues: dict[str, Values] = field(default_factory=dict)
    agents: dict[str, Values] = field(default_factory=dict)
    tiers: dict[tuple[str, str], Values] = field(default_factory=dict)


def read_configuration(text: str | bytes) -> Configuration:
    """Read callcenter.conf, wherever in the text it stands; entities and DTDs are refused."""
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if len(raw) > LARGEST:
        raise MalformedConfiguration("the configuration is too large")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.begin
    parser.EndElementHandler = builder.end
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise MalformedConfiguration(f"not XML: {error}") from error
    return builder.found


def _refuse(*_: object) -> int:
    raise MalformedConfiguration("document types and entities are refused")


class _Builder:
    """Takes elements by where they stand."""

    def __init__(self) -> None:
        self.found = Configuration()
        self._path: list[str] = []
        self._queue: Values | None = None
        self._takers: dict[tuple[str, str], Callable[[Values], object]] = {
            ("settings", "param"): self._setting,
            ("queues", "queue"): self._open_queue,
            ("queue", "param"): self._parameter,
            ("agents", "agent"): self._agent,
            ("tiers", "tier"): self._tier,
        }

    def begin(self, name: str, attributes: Values) -> None:
        above = self._path[-1] if self._path else ""
        self._path.append(name)
        taker = self._takers.get((above, name))
        if taker is not None:
            taker(dict(attributes))

    def end(self, name: str) -> None:
        self._path.pop()
        if name == "queue":
            self._queue = None

    def _setting(self, values: Values) -> None:
        self.found.settings[values.get("name", "")] = values.get("value", "")

    def _open_queue(self, values: Values) -> None:
        self._queue = self.found.queues.setdefault(values.get("name", ""), {})

    def _parameter(self, values: Values) -> None:
        if self._queue is not None:
            self._queue[values.get("name", "")] = values.get("value", "")

    def _agent(self, values: Values) -> None:
        self.found.agents.setdefault(values.pop("name", ""), values)

    def _tier(self, values: Values) -> None:
        self.found.tiers.setdefault((values.pop("queue", ""), values.pop("agent", "")), values)
