"""What a connector does, as it is written down, and every rule for that."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import jsonschema
from django.core.exceptions import ValidationError

from recordings.connectors.mapping import (
    FIELDS,
    FILE_FIELDS,
    RESULT,
    SECRET,
    SESSION,
    BadMapping,
    fields_in,
)

MOST_STEPS = 20
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
WORD = {"type": "string", "pattern": f"^{NAME.pattern}$"}
ARGUMENTS = {"type": "object", "maxProperties": 100}
SIGN_IN = {
    "type": "object",
    "additionalProperties": False,
    "required": ["operation"],
    "properties": {
        "operation": {"type": "string", "minLength": 1, "maxLength": 255},
        "arguments": ARGUMENTS,
        "session": {"type": "string", "maxLength": 255},
    },
}
STEPS = {
    "type": "array",
    "minItems": 1,
    "maxItems": MOST_STEPS,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "operation"],
        "properties": {
            "name": WORD,
            "operation": {"type": "string", "minLength": 1, "maxLength": 255},
            "arguments": ARGUMENTS,
            "once": {"type": "boolean"},
        },
    },
}
SECRETS = {
    "type": "object",
    "maxProperties": 20,
    "propertyNames": {"pattern": f"^{NAME.pattern}$"},
    "additionalProperties": {"type": "string", "maxLength": 1024},
}


def check_shape(value: Any, schema: Mapping[str, Any]) -> None:
    """Refuse what has not the shape, naming the place of the first fault."""
    fault = next(iter(jsonschema.Draft202012Validator(schema).iter_errors(value)), None)
    if fault is not None:
        place = ".".join(map(str, fault.absolute_path))
        raise ValidationError(f"{place + ': ' if place else ''}{fault.message[:200]}")


def validate_sign_in(value: Any) -> None:
    if value != {}:
        check_shape(value, SIGN_IN)


def validate_steps(value: Any) -> None:
    check_shape(value, STEPS)
    names = [step["name"] for step in value]
    if len(set(names)) != len(names):
        raise ValidationError("Name each step differently.")


def validate_secrets(value: Any) -> None:
    """Refuse what is no object of texts, without saying any of it."""
    if not jsonschema.Draft202012Validator(SECRETS).is_valid(value):
        raise ValidationError('Write names and texts, such as {"password": "…"}.')


def check_mapping(sign_in: Any, steps: Any, secrets: Collection[str]) -> None:
    """Refuse a field that there is not, where it is named."""
    check_fields("sign-in", sign_in.get("arguments", {}), FIELDS - {*FILE_FIELDS}, secrets, [])
    own = {*FIELDS, SESSION} if sign_in else set(FIELDS)
    before: list[str] = []
    for step in steps:
        check_fields(step["name"], step.get("arguments", {}), own, secrets, before)
        before.append(step["name"])


def check_fields(
    where: str, arguments: Any, own: Collection[str], secrets: Collection[str], before: Collection[str]
) -> None:
    try:
        for name in fields_in(arguments):
            if not is_known(name, own, secrets, before):
                raise ValidationError(f"{where}: there is no field {{{name}}} here.")
    except BadMapping as bad:
        raise ValidationError(f"{where}: {bad}") from None


def is_known(name: str, own: Collection[str], secrets: Collection[str], before: Collection[str]) -> bool:
    first, _, rest = name.partition(".")
    if first == SECRET:
        return rest in secrets
    if first == RESULT:
        return rest.partition(".")[0] in before
    return name in own


def sends_files(steps: Any) -> bool:
    return any(name in FILE_FIELDS for step in steps for name in fields_in(step.get("arguments", {})))
