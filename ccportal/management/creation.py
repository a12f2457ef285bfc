"""What the commands that create one thing have in common: sentences for errors, JSON for the answer."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, models, transaction

from accounts.models import Account


class CreationCommand(BaseCommand):
    """Creates one row and prints ``{"id": …}``; says in one sentence why it could not."""

    def answer(self, row: models.Model, **more: str) -> None:
        self.stdout.write(json.dumps({"id": row.pk.hex, **more}))


def create(row: models.Model) -> None:
    """Validate and save a row, or raise CommandError with all that is wrong."""
    try:
        row.full_clean()
        with transaction.atomic():
            row.save(force_insert=True)
    except ValidationError as error:
        raise CommandError(sentence(error)) from error
    except IntegrityError as error:
        raise CommandError(f"Another {row._meta.verbose_name} is like this one: {error}") from error


def sentence(error: ValidationError) -> str:
    """All messages of a validation error in one line, each with its field."""
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    fields = error.message_dict.items()
    return " ".join(
        message if field == "__all__" else f"{field}: {message}"
        for field, found in fields
        for message in found
    )


def find_account(word: str | None) -> Account | None:
    """The account of this id or name; None for no word."""
    if not word:
        return None
    accounts: Any = Account.objects
    account = accounts.filter(pk=as_id(word)).first() or accounts.filter(name=word).first()
    if account is None:
        raise CommandError(f"There is no account {word!r}: give its id or its name.")
    found: Account = account
    return found


def as_id(word: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(word)
    except ValueError:
        return None
