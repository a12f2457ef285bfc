"""The fields of things that clients write: each is read, checked by JSON Schema and stored from one line."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model, QuerySet

from ccportal.api.columns import Column
from ccportal.api.errors import Invalid, Problems
from ccportal.api.times import iso, read_span
from policies.merge import PRIVATE
from policies.schema import LINE_FORMAT, keyed, validate

POLICY = "call_recording"
DEEPEST = 32
MOST_NAMES = 100
TIME_FORMAT = "date-time"


@dataclass(frozen=True)
class Attribute:
    """A field by its name in documents; ``field`` is the model's. Not there means the model's default."""

    name: str
    field: str
    schema: Mapping[str, Any]
    required: bool = False
    write_only: bool = False
    points_at: type[Model] | None = None
    many: bool = False

    def read(self, row: Model) -> Any:
        if self.many:
            return names_at(row, self.field)
        value = getattr(row, f"{self.field}_id" if self.points_at else self.field)
        if isinstance(value, datetime):
            return iso(value)
        return value.hex if isinstance(value, uuid.UUID) else value

    def stored(self, value: Any) -> Any:
        """The value that the row keeps of a document's."""
        return moment_of(self.name, value) if self.schema.get("format") == TIME_FORMAT else value


def moment_of(name: str, value: str) -> datetime:
    try:
        return read_span(value)[0]
    except (ValueError, OverflowError):
        raise Invalid.rule(name, "format", "This is not a time.", target=TIME_FORMAT, value=value) from None


def line(name: str, path: str, longest: int, about: str = "", *, required: bool = False) -> Attribute:
    """A text without control characters."""
    shape = {"type": "string", "maxLength": longest, "minLength": int(required), "format": LINE_FORMAT}
    return Attribute(name, path, shape | described_as(about), required)


def switch(name: str, path: str, about: str = "") -> Attribute:
    return Attribute(name, path, {"type": "boolean"} | described_as(about))


def time(name: str, path: str, about: str = "") -> Attribute:
    """A moment, as every list reads one."""
    return Attribute(name, path, {"type": "string", "format": TIME_FORMAT} | described_as(about))


def choice(name: str, path: str, among: Sequence[str]) -> Attribute:
    return Attribute(name, path, {"type": "string", "enum": list(among)})


def pointer(name: str, path: str, model: type[Model], about: str) -> Attribute:
    """The id of another thing of the same account."""
    shape = {"type": "string", "pattern": "^[0-9a-f]{32}$"} | described_as(about)
    return Attribute(name, path, shape, points_at=model)


def named(name: str, path: str, about: str) -> Attribute:
    """Other things of the same account, by their names; they are set when the row is there."""
    names = {"type": "string", "minLength": 1, "maxLength": 128}
    shape = {"type": "array", "maxItems": MOST_NAMES, "uniqueItems": True, "items": names}
    return Attribute(name, path, shape | described_as(about), many=True)


def names_at(row: Model, path: str) -> list[str]:
    return sorted(thing.name for thing in getattr(row, path).all()) if row.pk else []


def described_as(about: str) -> dict[str, str]:
    return {"description": about} if about else {}


@dataclass(frozen=True)
class Resource:
    """A kind of thing that is written: its columns are read, its attributes written.

    ``policy`` is the schema of its ``call_recording``, if it has one.
    """

    name: str
    model: type[Model]
    columns: Sequence[Column]
    attributes: Sequence[Attribute]
    policy: Mapping[str, Any] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def schema(self) -> dict[str, Any]:
        properties = {attribute.name: attribute.schema for attribute in self.attributes}
        if self.policy:
            properties[POLICY] = self.policy
        required = [attribute.name for attribute in self.attributes if attribute.required]
        return keyed(properties, f"{self.name} as it is written") | {"required": required}

    def document(self, row: Model) -> dict[str, Any]:
        """What of a row can be written, without what is not set."""
        readable = (attribute for attribute in self.attributes if not attribute.write_only)
        values = ((attribute.name, attribute.read(row)) for attribute in readable)
        return {name: value for name, value in values if value is not None}

    def writable(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """What a client sent without what it can only read, so that it may send back what it got."""
        refuse_deep(data)
        read_only = {column.name for column in self.columns} - set(self.schema["properties"])
        return {
            name: value
            for name, value in data.items()
            if name not in read_only and not name.startswith(PRIVATE)
        }

    def checked(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The whole document as it will be stored, or every rule it breaks."""
        stored, problems = validate(dict(document), self.schema, path="")
        if problems:
            raise Invalid(problems)
        return dict(stored)

    def apply(self, row: Any, document: Mapping[str, Any], people: QuerySet[Any]) -> None:
        """Put the document into the row; ``people`` are those that can be pointed at."""
        for attribute in self.attributes:
            if attribute.many:
                continue
            if attribute.points_at:
                setattr(row, attribute.field, pointed_at(attribute, document, people))
            elif attribute.name in document:
                setattr(row, attribute.field, attribute.stored(document[attribute.name]))
            elif not attribute.write_only:
                setattr(row, attribute.field, row._meta.get_field(attribute.field).get_default())

    def check(self, row: Model) -> None:
        """Refuse a row that cannot be, such as one with a name that is taken."""
        written = {attribute.field: attribute.name for attribute in self.attributes}
        try:
            row.full_clean(exclude={"password"})
        except ValidationError as invalid:
            raise Invalid(problems_of(invalid, written, row)) from None


def pointed_at(attribute: Attribute, document: Mapping[str, Any], people: QuerySet[Any]) -> Model | None:
    key = document.get(attribute.name)
    found = people.filter(pk=uuid.UUID(hex=key)).first() if key else None
    if key and found is None:
        raise Invalid.rule(attribute.name, "enum", "There is no such thing in this account.", value=key)
    return found


RULES = {"blank": "required", "null": "required", "max_length": "maxLength", "choices": "enum"}
KNOWN_WORDS = ("time_zone", "country")


def problems_of(invalid: ValidationError, written: Mapping[str, str], row: Model) -> Problems:
    """What Django found, in the API's words."""
    problems: Problems = {}
    for field_name, errors in invalid.error_dict.items():
        for error in errors:
            value = getattr(row, field_name, None)
            shown = {"value": value} if isinstance(value, str) else {}
            facts = {"message": " ".join(error.messages)} | shown
            for name in names_of(field_name, error, written):
                problems.setdefault(name, {}).setdefault(rule_of(error), facts)
    return problems


def names_of(field_name: str, error: ValidationError, written: Mapping[str, str]) -> list[str]:
    """The document's names for a field, or for the fields that are unique together."""
    if field_name != NON_FIELD_ERRORS:
        return [written.get(field_name, field_name)]
    fields = (error.params or {}).get("unique_check", ())
    return [written[name] for name in fields if name in written] or ["data"]


def rule_of(error: ValidationError) -> str:
    code = error.code or ""
    if code.startswith("unique"):
        return "unique"
    return "enum" if code in KNOWN_WORDS else RULES.get(code, "format")


def refuse_deep(data: Mapping[str, Any]) -> None:
    """Refuse a body nested deeper than any document is."""
    level: list[Any] = [data]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in inside(outer)]
        if not level:
            return
    raise Invalid.rule("data", "maximum", "The document is nested too deeply.", target=DEEPEST)


def inside(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [child for child in children if isinstance(child, dict | list)]
