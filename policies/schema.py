"""What a ``call_recording`` document may be: one JSON Schema for the API and the admin."""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from policies.addresses import UnknownHost, UnsafeUrl, check_url, read_url

Problems = dict[str, dict[str, dict[str, Any]]]

LARGEST_INTEGER = 2_147_483_647
URL_FORMAT = "delivery-url"
LINE_FORMAT = "line"
NOT_IN_A_LINE = ("Cc", "Cs", "Zl", "Zp")
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,12}", re.ASCII)
FLAGS = {"true": True, "false": False}


def keyed(properties: Mapping[str, Any], about: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": about,
        "properties": dict(properties),
        "additionalProperties": False,
    }


PARAMETERS = keyed(
    {
        "enabled": {"type": "boolean", "description": "Whether to record; inherited when it is not there"},
        "format": {"type": "string", "enum": ["mp3", "wav"]},
        "record_min_sec": {
            "type": "integer",
            "minimum": 0,
            "maximum": LARGEST_INTEGER,
            "description": "Shorter recordings are discarded",
        },
        "record_on_answer": {"type": "boolean"},
        "record_on_bridge": {"type": "boolean"},
        "record_sample_rate": {"type": "integer", "minimum": 8000, "maximum": 48000, "description": "Hz"},
        "time_limit": {"type": "integer", "minimum": 5, "maximum": 10800, "description": "Seconds"},
        "url": {
            "type": "string",
            "format": URL_FORMAT,
            "description": "http, https, ftp or ftps; never into the server's own network",
        },
    },
    "How, and whether, to record",
)
NETWORKS = keyed(dict.fromkeys(("any", "onnet", "offnet"), PARAMETERS), "By where the other side is")
HOW = keyed(
    {name: rules for name, rules in PARAMETERS["properties"].items() if name != "enabled"},
    "How to record what is recorded for another reason",
)
ENDPOINT_SCHEMA = keyed(
    dict.fromkeys(("any", "inbound", "outbound"), NETWORKS), "What phones record, by direction and network"
)
ACCOUNT_SCHEMA = keyed(
    {"account": ENDPOINT_SCHEMA, "endpoint": ENDPOINT_SCHEMA},
    "The account's own recording, and the default of every phone in it",
)

formats = FormatChecker(formats=())


@formats.checks(URL_FORMAT, raises=UnsafeUrl)
def is_url(value: object) -> bool:
    return not isinstance(value, str) or bool(read_url(value))


@formats.checks(LINE_FORMAT)
def is_line(value: object) -> bool:
    """Whether a text has neither control characters nor halves of a surrogate pair."""
    return not isinstance(value, str) or not any(
        unicodedata.category(sign) in NOT_IN_A_LINE for sign in value
    )


def is_whole(_checker: Any, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


Validator: Any = extend(
    Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", is_whole)
)


def coerced(document: Any, schema: Mapping[str, Any]) -> Any:
    """The document with ``"true"`` and ``"60"`` as what the schema wants there; a copy, whatever it holds."""
    if isinstance(document, dict):
        known = schema.get("properties", {})
        return {key: coerced(value, known.get(key, {})) for key, value in document.items()}
    if not isinstance(document, str):
        return copy.deepcopy(document)
    if schema.get("type") == "boolean":
        return FLAGS.get(document, document)
    if schema.get("type") == "integer" and WHOLE_NUMBER.fullmatch(document):
        return int(document)
    return document


def validate(document: Any, schema: Mapping[str, Any], path: str = "call_recording") -> tuple[Any, Problems]:
    """Return the document as it is stored, and every rule it breaks: by dotted path, then by rule."""
    stored = coerced(document, schema)
    problems: Problems = {}
    for error in Validator(schema, format_checker=formats).iter_errors(stored):
        for place, rule, facts in broken(error):
            where = ".".join(filter(None, (path, place)))
            problems.setdefault(where, {}).setdefault(rule, facts)
    return stored, problems


def broken(error: ValidationError) -> Iterator[tuple[str, str, dict[str, Any]]]:
    place = ".".join(map(str, error.absolute_path))
    rule = str(error.validator)
    if rule == "additionalProperties":
        yield from unknown_keys(error, place)
    elif rule == "required":
        yield from missing_keys(error, place)
    else:
        target = {} if rule in ("format", "anyOf") else {"target": error.validator_value}
        yield place, rule, {"message": message_of(error), **target, "value": error.instance}


def unknown_keys(error: ValidationError, place: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    rules: Any = error.schema
    known = list(rules["properties"])
    for key, value in error.instance.items():
        if key not in known:
            facts = {"message": "There is no such key here.", "target": known, "value": value}
            yield ".".join(filter(None, (place, key))), "additionalProperties", facts


def missing_keys(error: ValidationError, place: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for key in error.validator_value:
        if key not in error.instance:
            yield ".".join(filter(None, (place, key))), "required", {"message": "This is required."}


MESSAGES: dict[str, Callable[[Any], str]] = {
    "type": lambda target: f"It must be {'an' if target[0] in 'aio' else 'a'} {target}.",
    "enum": lambda target: f"It must be one of {', '.join(map(str, target))}.",
    "minimum": lambda target: f"It must be at least {target}.",
    "maximum": lambda target: f"It must be at most {target}.",
    "maxLength": lambda target: f"It may have at most {target} characters.",
    "format": lambda _: "It has a sign in it that does not belong there.",
    "anyOf": lambda _: "It is neither the id of a thing nor a document.",
    "minLength": lambda _: "It must not be empty.",
}


def message_of(error: ValidationError) -> str:
    if error.cause:
        return str(error.cause)
    message = MESSAGES.get(str(error.validator))
    return message(error.validator_value) if message else error.message


def urls_in(document: Any, path: str = "call_recording") -> Iterator[tuple[str, str]]:
    """Every url parameter of a document, also of one that breaks rules, with its dotted path."""
    if not isinstance(document, Mapping):
        return
    for key, value in document.items():
        if key == "url" and isinstance(value, str):
            yield f"{path}.{key}", value
        else:
            yield from urls_in(value, f"{path}.{key}")


def unsafe_urls(document: Any, path: str = "call_recording") -> Problems:
    """The urls of a document to which nothing is delivered; names are looked up, so it takes a while.

    A name without an address is let through here: before each delivery it is looked up again.
    """
    problems: Problems = {}
    answers: dict[str, str] = {}
    for where, url in urls_in(document, path):
        if url not in answers:
            answers[url] = what_is_wrong(url)
        if answers[url]:
            problems[where] = {"format": {"message": answers[url], "value": url}}
    return problems


def what_is_wrong(url: str) -> str:
    try:
        check_url(url)
    except UnknownHost:
        return ""
    except UnsafeUrl as unsafe:
        return str(unsafe)
    return ""
