"""What an operator may write into a field."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import phonenumbers
from django.core.exceptions import ValidationError


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
