"""What an operator may write into a field."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from string import Formatter
from typing import Any

import phonenumbers
from django.core.exceptions import ValidationError

FILE_NAME_FIELDS = (
    "started",
    "caller",
    "destination",
    "agent",
    "queue",
    "direction",
    "account",
    "call_id",
    "recording_id",
    "label",
)
TABLE_URL = re.compile(r"(?:postgresql|mysql|sqlite)://[!-~]+")
CLIP_SUFFIX_FORM = re.compile(r"[-_.A-Za-z0-9]*[A-Za-z0-9]")
TIME_FORMAT = re.compile(r"(?:%[YymdHMSjbBaA]|[-_. ])+")


def validate_country(value: str) -> None:
    """Refuse what is no country of the telephone world, such as DE."""
    if value.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ValidationError(f"{value!r} is not a country of two letters, such as DE.", code="country")


def validate_words(value: Any) -> None:
    """Refuse anything but a list of names."""
    if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
        raise ValidationError('Write a list of names, such as ["external"].', code="words")


def validate_path_mapping(value: Any) -> None:
    """Refuse anything but absolute folders of the switch, each with an absolute folder of ours."""
    if not isinstance(value, dict):
        raise ValidationError('Write folders as {"/the/switch\'s": "/ours"}.', code="path_mapping")
    for remote, local in value.items():
        if not is_folder(remote) or not is_folder(local):
            raise ValidationError(f"{remote}={local} is not a pair of absolute folders.", code="path_mapping")


def is_folder(text: Any) -> bool:
    return (
        isinstance(text, str)
        and text.startswith("/")
        and text.isprintable()
        and ".." not in PurePosixPath(text).parts
    )


def validate_file(value: str) -> None:
    """Refuse what is no absolute path of a file."""
    if not is_folder(value) or value.endswith("/"):
        raise ValidationError("Write the whole path of a file, such as /mnt/pbx/queue_log.", code="file")


def validate_cdr_source(value: str) -> None:
    """Refuse what is neither a file nor the URL of a table."""
    if not TABLE_URL.fullmatch(value):
        validate_file(value)


def validate_file_name_template(value: str) -> None:
    """Refuse a template with fields or formats that no recording has, or with folders."""
    try:
        parsed = list(Formatter().parse(value))
    except ValueError as error:
        raise ValidationError(f"The template cannot be read: {error}.", code="template") from error
    wrong: list[str | None] = [
        field for _, field, form, conversion in parsed if field is not None and conversion is not None
    ]
    wrong += [field for _, field, _, _ in parsed if field is not None and field not in FILE_NAME_FIELDS]
    wrong += [field for _, field, form, _ in parsed if form and not is_time_format(field, form)]
    if wrong:
        raise ValidationError(f"{{{wrong[0]}}} is no field of a file name, or not so.", code="template")
    if not value.strip(" ._-") or "/" in value or "\\" in value or not value.isprintable():
        raise ValidationError("Write the name of a file, without folders.", code="template")


def validate_clip_suffix(value: str) -> None:
    """Refuse what could not end a file's name everywhere."""
    if not CLIP_SUFFIX_FORM.fullmatch(value):
        raise ValidationError(
            "Letters, digits, -, _ and ., with a letter or digit at the end.", code="suffix"
        )


def is_time_format(field: str | None, form: str) -> bool:
    return field == "started" and TIME_FORMAT.fullmatch(form) is not None
