"""The document of one layer as a form: cells of choices and parameters, and the effect of each.

A form is saved as a merge of what differs from the document it was made from, so that two people who change
different cells at one moment lose neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.merge import merge
from policies.schema import Problems
from policies.settings import DEFAULTS, Cell, Settings

DIRECTIONS = ("inbound", "outbound", "any")
NETWORKS = ("offnet", "onnet", "any")
CHOICES = (("inherit", "Inherit"), ("on", "Record"), ("off", "Don't"))
WRITTEN = {"on": True, "off": False}
BEGINS = {"now": (False, False), "answer": (True, False), "bridge": (False, True)}
BEGINS_LABELS = {"now": "At once", "answer": "On answer", "bridge": "When connected"}
NUMBERS = {
    "record_min_sec": "Shortest kept, s",
    "time_limit": "Longest, s",
    "record_sample_rate": "Sample rate, Hz",
}
Key = tuple[str, str, str]
Flat = dict[Key, Any]


def flat(part: Any) -> Flat:
    """The parameters of a document by direction, network and name."""
    return {
        (direction, network, name): value
        for direction, networks in pairs(part)
        for network, params in pairs(networks)
        for name, value in pairs(params)
    }


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    yield from value.items() if isinstance(value, Mapping) else ()


def nested(changes: Mapping[Key, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for (direction, network, name), value in changes.items():
        document.setdefault(direction, {}).setdefault(network, {})[name] = value
    return document


def without_empty(part: Any) -> Any:
    """The document without objects that say nothing."""
    if not isinstance(part, Mapping):
        return part
    kept = {key: without_empty(value) for key, value in part.items()}
    return {key: value for key, value in kept.items() if value != {}}


def changes_of(before: Any, posted: Mapping[str, Any]) -> Flat:
    """What a sent form changes of the document it was made from; None is a value that is inherited again."""
    old = flat(before)
    asked = {key: value for key, value in asked_for(posted, old) if value != shown(old.get(key))}
    return {key: (None if value in ("", None) else value) for key, value in asked.items()}


def shown(value: Any) -> Any:
    """A stored value as a text field has it."""
    return value if isinstance(value, bool) else "" if value is None else str(value)


def asked_for(posted: Mapping[str, Any], old: Flat) -> Iterator[tuple[Key, Any]]:
    for direction in DIRECTIONS:
        for network in NETWORKS:
            prefix = f"{direction}.{network}."
            for name in ("format", "url", *NUMBERS):
                if prefix + name in posted:
                    yield (direction, network, name), str(posted[prefix + name]).strip()
            choice = posted.get(f"{prefix}enabled")
            if choice in dict(CHOICES):
                yield (direction, network, "enabled"), WRITTEN.get(str(choice), "")
            yield from asked_begin(posted, old, direction, network)


def asked_begin(
    posted: Mapping[str, Any], old: Flat, direction: str, network: str
) -> Iterator[tuple[Key, Any]]:
    """The two keys behind one choice, untouched when the choice is as it was."""
    begin = posted.get(f"{direction}.{network}.begins")
    if begin is None or begin == begins(old, direction, network):
        return
    answer, bridge = BEGINS.get(str(begin), ("", ""))
    yield (direction, network, "record_on_answer"), answer
    yield (direction, network, "record_on_bridge"), bridge


def begins(values: Flat, direction: str, network: str) -> str:
    answer = values.get((direction, network, "record_on_answer"))
    bridge = values.get((direction, network, "record_on_bridge"))
    if answer is None and bridge is None:
        return ""
    return "answer" if answer else "bridge" if bridge else "now"


def changed(part: Any, changes: Flat) -> dict[str, Any]:
    """The document with the changes laid over it."""
    merged: dict[str, Any] = without_empty(merge(part or {}, nested(changes)))
    return merged


@dataclass(frozen=True)
class Place:
    """Where a value comes from, in words, and the page on which it can be changed."""

    words: str
    url: str = ""


@dataclass(frozen=True)
class Parameter:
    """A field beside a cell: what is set here, and what is in force without it."""

    name: str
    label: str
    value: str
    effective: str
    origin: Place
    options: tuple[tuple[str, str], ...] = ()
    errors: tuple[str, ...] = ()
    fixed: str = ""
    number: bool = False

    @property
    def id(self) -> str:
        return self.name.replace(".", "-")


@dataclass(frozen=True)
class Box:
    """One cell of the page; ``effect`` is None for a row or column that only gives defaults to others."""

    name: str
    row: str
    column: str
    choice: str
    effect: Cell | None
    origin: Place
    over: tuple[Place, ...]
    is_changed: bool
    was: str
    parameters: tuple[Parameter, ...]
    errors: tuple[str, ...] = ()

    choices = CHOICES

    @property
    def is_set(self) -> bool:
        return self.effect is not None and "enabled" in self.effect.sources

    @property
    def own(self) -> list[Parameter]:
        return [parameter for parameter in self.parameters if parameter.value]

    @property
    def open(self) -> bool:
        return any(parameter.errors for parameter in self.parameters)


@dataclass(frozen=True)
class Page:
    """What a matrix is about: its own layer, how its rows are called, and where other layers are edited."""

    layer: str
    prefix: str
    rows: Mapping[str, str]
    places: Mapping[str, Place]
    rings: bool = True
    columns: Mapping[str, str] = field(
        default_factory=lambda: {"offnet": "Outside", "onnet": "Inside", "any": "Anywhere"}
    )

    def place_of(self, cell: Cell | None, name: str) -> Place:
        """Who said the value that is in force."""
        source = cell.sources.get(name) if cell else None
        if source is None:
            return Place("built in")
        if source.layer == self.layer:
            return Place(f"set here{self.wider(source.place, cell.name if cell else '')}")
        return self.places[source.layer]

    def wider(self, place: str, name: str) -> str:
        return "" if place.removeprefix(self.prefix) == name else f", as {place.removeprefix(self.prefix)}"


@dataclass(frozen=True)
class Matrix:
    """A page's cells, row by row, with what is changed and not saved yet."""

    page: Page
    part: Any
    before: Any
    now: Settings
    then: Settings
    problems: Problems
    typed: Flat

    @property
    def with_any(self) -> bool:
        return any("any" in key for key in flat(self.part) | flat(self.before) | self.typed)

    def rows(self, *, wide: bool = False) -> list[tuple[str, str, list[Box]]]:
        wide = wide or self.with_any
        directions = DIRECTIONS if wide else DIRECTIONS[:2]
        networks = NETWORKS if wide else NETWORKS[:2]
        return [
            (direction, self.page.rows[direction], [self.box(direction, network) for network in networks])
            for direction in directions
        ]

    def box(self, direction: str, network: str) -> Box:
        name = f"{direction}.{network}"
        cell, was = self.now.cells.get(name), self.then.cells.get(name)
        choice = {True: "on", False: "off"}.get(self.value(direction, network, "enabled"), "inherit")
        return Box(
            name=name,
            row=self.page.rows[direction],
            column=self.page.columns[network],
            choice=choice,
            effect=cell,
            origin=self.page.place_of(cell, "enabled"),
            over=tuple(self.over(cell)),
            is_changed=any(key[:2] == (direction, network) for key in self.typed),
            was="" if not was or not cell or was.enabled == cell.enabled else words(was),
            parameters=tuple(self.parameters(direction, network, cell)),
            errors=self.errors(f"{name}.enabled"),
        )

    def over(self, cell: Cell | None) -> Iterator[Place]:
        for source in cell.overruled if cell else ():
            yield self.page.places.get(source.layer, Place("set here"))

    def value(self, direction: str, network: str, name: str) -> Any:
        key = (direction, network, name)
        return self.typed[key] if key in self.typed else flat(self.part).get(key)

    def errors(self, path: str) -> tuple[str, ...]:
        rules = self.problems.get(f"call_recording.{self.page.prefix}{path}", {})
        return tuple(str(facts["message"]) for facts in rules.values())

    def parameters(self, direction: str, network: str, cell: Cell | None) -> Iterator[Parameter]:
        yield self.parameter(direction, network, cell, "format", "Format", (("mp3", "mp3"), ("wav", "wav")))
        yield self.beginning(direction, network, cell)
        for name, label in NUMBERS.items():
            yield self.parameter(direction, network, cell, name, label)
        yield self.parameter(direction, network, cell, "url", "Deliver to")

    def parameter(
        self,
        direction: str,
        network: str,
        cell: Cell | None,
        name: str,
        label: str,
        options: tuple[tuple[str, str], ...] = (),
    ) -> Parameter:
        effective = cell.params[name] if cell else DEFAULTS[name]
        return Parameter(
            name=f"{direction}.{network}.{name}",
            label=label,
            value=shown(self.value(direction, network, name)),
            effective="the account's storage" if effective is None else str(effective),
            origin=self.page.place_of(cell, name),
            options=options,
            errors=self.errors(f"{direction}.{network}.{name}"),
            number=name in NUMBERS,
        )

    def beginning(self, direction: str, network: str, cell: Cell | None) -> Parameter:
        values = flat(self.part) | self.typed
        answers = self.page.rings and direction == "inbound"
        start = "answer" if answers else cell.start if cell else "now"
        said = "record_on_answer" if cell and "record_on_answer" in cell.sources else "record_on_bridge"
        return Parameter(
            name=f"{direction}.{network}.begins",
            label="Begins",
            value=begins(values, direction, network),
            effective=BEGINS_LABELS[start],
            origin=self.page.place_of(cell, said),
            options=tuple(BEGINS_LABELS.items()),
            fixed="Always on answer for calls to a phone" if answers else "",
        )


def words(cell: Cell) -> str:
    return "records" if cell.enabled else "does not record"
