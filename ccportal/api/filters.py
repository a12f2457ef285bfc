"""Which rows a list is asked for: a period, and filters on the fields of its rows."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, IsNull
from django.http import QueryDict

from ccportal.api.body import is_storable
from ccportal.api.columns import NO_ROW, Column
from ccportal.api.errors import Invalid
from ccportal.api.times import read_span

CUSTOM_NAME = "custom_channel_vars"
MOST_VALUES = 500
# SQLite has no way to write a quote within a path, and takes a number for a place in a list.
VARIABLE_NAME = re.compile(r"[^\W\d][\w.-]{0,127}")


@dataclass(frozen=True)
class Filters:
    """The filters a list offers: its columns, and the JSON fields behind dotted keys, first found wins."""

    columns: Mapping[str, Column]
    custom_paths: tuple[str, ...] = ()

    def condition(self, query: QueryDict) -> Q:
        """AND together everything the query asks; refuse what is not known."""
        conditions = (self.one(name, value) for name, value in named_filters(query))
        return reduce(lambda left, right: left & right, conditions, Q())

    def one(self, name: str, value: str) -> Q:
        if name in ("has_key", "key_missing"):
            present = self.presence(name, value)
            return present if name == "has_key" else ~present
        negative = name.startswith("filter_not_")
        key = name.removeprefix("filter_not_") if negative else name.removeprefix("filter_")
        equals = self.equality(name, key)
        wanted = reduce(or_, (read_value(name, equals, value) for value in read_values(name, value)), NO_ROW)
        return ~wanted if negative else wanted

    def equality(self, name: str, key: str) -> Callable[[str], Q]:
        if inner := self.custom_key(key):
            return lambda value: Q(Exact(self.custom_value(inner, Value("")), Value(value)))
        column = self.columns.get(key)
        if column is None or column.equals is None:
            raise unknown_filter(name)
        return column.equals

    def presence(self, name: str, key: str) -> Q:
        if inner := self.custom_key(key):
            return Q(IsNull(self.custom_value(inner, Value(None)), False))
        column = self.columns.get(key)
        if column is None or column.present is None:
            raise unknown_filter(name, key)
        return column.present

    def custom_key(self, key: str) -> str:
        """The part of a dotted key within the custom fields, or nothing."""
        outer, _, inner = key.partition(".")
        known = self.custom_paths and outer == CUSTOM_NAME and VARIABLE_NAME.fullmatch(inner)
        return inner if known else ""

    def custom_value(self, key: str, default: Value) -> Coalesce:
        """The text under a key: a transform of its own, so that no part of the key is taken for a lookup."""
        texts = (KeyTextTransform(key, path) for path in self.custom_paths)
        return Coalesce(*texts, default, output_field=TextField())


def named_filters(query: QueryDict) -> Iterator[tuple[str, str]]:
    for name, values in query.lists():
        if name.startswith("filter_") or name in ("has_key", "key_missing"):
            yield from ((name, str(value)) for value in values)


def unknown_filter(name: str, key: str = "") -> Invalid:
    return Invalid.rule(name, "additionalProperties", "There is no such filter.", value=key or name)


def read_values(name: str, value: str) -> list[str]:
    """The value, or each of a JSON list."""
    if not value.startswith("["):
        return [value]
    try:
        values = json.loads(value)
    except (ValueError, RecursionError):
        return [value]
    if len(values) > MOST_VALUES:
        raise Invalid.rule(name, "maximum", "Too many values.", target=MOST_VALUES, value=len(values))
    return [plain_text(item) for item in values]


def plain_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def read_value(name: str, equals: Callable[[str], Q], value: str) -> Q:
    if is_storable(value):
        with contextlib.suppress(ValueError, OverflowError):
            return equals(value)
    raise Invalid.rule(name, "type", "This is not a value of the field.", value=value)


def period(query: QueryDict, path: str) -> Q:
    """The rows between ``created_from`` and ``created_to``, both included."""
    start = read_bound(query, "created_from")
    end = read_bound(query, "created_to")
    if start and end and start[0] >= end[1]:
        raise Invalid.rule(
            "created_to", "date_range", "created_to is before created_from.", value=query["created_to"]
        )
    condition = Q()
    if start:
        condition &= Q(**{f"{path}__gte": start[0]})
    if end:
        condition &= Q(**{f"{path}__lt": end[1]})
    return condition


def read_bound(query: QueryDict, name: str) -> tuple[datetime, datetime] | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return read_span(text)
    except (ValueError, OverflowError):
        raise Invalid.rule(
            name, "type", "Give Gregorian seconds, unix seconds or ISO 8601.", target="date-time", value=text
        ) from None
