"""Effective recording settings: what each cell says after its layers are put over each other.

Within a layer a cell takes each key from the most specific place that sets it: ``dir.net``, ``any.net``,
``dir.any``, ``any.any``. Across layers each key comes from the highest layer that sets it: device over user
over the account's endpoint default. Unknown keys are ignored, whatever they hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DIRECTIONS = ("inbound", "outbound")
NETWORKS = ("onnet", "offnet")
CELLS = tuple(f"{direction}.{network}" for direction in DIRECTIONS for network in NETWORKS)

DEFAULTS: dict[str, Any] = {
    "enabled": False,
    "format": "mp3",
    "record_min_sec": 0,
    "record_on_answer": False,
    "record_on_bridge": False,
    "record_sample_rate": 16000,
    "time_limit": 10800,
    "url": None,
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value stands: the layer, and the place in its document."""

    layer: str
    place: str

    def __str__(self) -> str:
        return f"{self.layer}'s {self.place}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One of the four cells: all parameters with defaults filled in, and who said what.

    ``sources`` has what somebody set; ``overruled`` the places where lower layers spoke of ``enabled`` too.
    """

    name: str
    params: Mapping[str, Any]
    sources: Mapping[str, Source]
    overruled: tuple[Source, ...] = ()

    @property
    def enabled(self) -> bool:
        return self.params["enabled"] is True

    @property
    def start(self) -> str:
        """now, answer or bridge; with both asked for, answer."""
        if self.params["record_on_answer"] is True:
            return "answer"
        return "bridge" if self.params["record_on_bridge"] is True else "now"


@dataclass(frozen=True, slots=True)
class Layer:
    """A document and whose it is; ``prefix`` leads to it inside the one that its owner wrote."""

    name: str
    document: object
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """The four cells of an account or an endpoint."""

    cells: Mapping[str, Cell]

    @classmethod
    def of(cls, *layers: Layer) -> Settings:
        """Put layers over each other, the highest first."""
        return cls({f"{d}.{n}": _cell(d, n, layers) for d in DIRECTIONS for n in NETWORKS})


def account_settings(document: object) -> Settings:
    """The account's own recording, from the ``account`` half of its document."""
    return Settings.of(Layer("the account", _part(document, "account"), "account."))


def endpoint_settings(device: object, user: object, account: object) -> Settings:
    """A device's, under it its user's, under that the account's ``endpoint`` default."""
    return Settings.of(
        Layer("the device", device),
        Layer("the user", user),
        Layer("the account", _part(account, "endpoint"), "endpoint."),
    )


def queue_settings(parameters: object) -> Cell:
    """How a queue that records does so: its parameters over the defaults."""
    known = parameters if isinstance(parameters, Mapping) else {}
    told = {key: value for key, value in known.items() if key in DEFAULTS and value is not None}
    return Cell("queue", DEFAULTS | told | {"enabled": True}, {})


def _part(document: object, key: str) -> object:
    return document.get(key) if isinstance(document, Mapping) else None


def _cell(direction: str, network: str, layers: Sequence[Layer]) -> Cell:
    params = dict(DEFAULTS)
    sources: dict[str, Source] = {}
    overruled: list[Source] = []
    for layer in layers:
        for key, (value, place) in _within(layer.document, direction, network).items():
            source = Source(layer.name, layer.prefix + place)
            if key not in sources:
                params[key], sources[key] = value, source
            elif key == "enabled":
                overruled.append(source)
    return Cell(f"{direction}.{network}", params, sources, tuple(overruled))


def _within(document: object, direction: str, network: str) -> dict[str, tuple[Any, str]]:
    """What one layer says of a cell, each key with the most specific place that sets it."""
    found: dict[str, tuple[Any, str]] = {}
    for above, below in ((direction, network), ("any", network), (direction, "any"), ("any", "any")):
        values = _part(_part(document, above), below)
        if isinstance(values, Mapping):
            for key, value in values.items():
                if key in DEFAULTS and value is not None:
                    found.setdefault(key, (value, f"{above}.{below}"))
    return found
