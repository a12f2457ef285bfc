"""Seal every secret in the database with the first encryption key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from database.sealed import LOST_WORDS, SealedCharField, SealedJSONField, is_lost


class Command(BaseCommand):
    help = "Seal every secret in the database with the first key of CCPORTAL_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        lost = sealed = 0
        for model, names in sealed_columns():
            for key in model._default_manager.values_list("pk", flat=True).iterator():
                if seal_again(model, key, names):
                    sealed += 1
                else:
                    lost += 1
                    self.stderr.write(f"{model._meta.verbose_name} {key}: {LOST_WORDS}")
        self.stdout.write(f"{sealed} rows sealed with the first key.")
        if lost:
            raise CommandError(f"{lost} rows have secrets that no key opens: keep the old keys too.")


def sealed_columns() -> Iterator[tuple[type[models.Model], list[str]]]:
    for model in apps.get_models():
        names = [
            field.name
            for field in model._meta.get_fields()
            if isinstance(field, SealedCharField | SealedJSONField)
        ]
        if names:
            yield model, names


def seal_again(model: type[models.Model], key: Any, names: list[str]) -> bool:
    """Write a row's secrets as they are; False when one of them cannot be read."""
    with transaction.atomic():
        rows = model._default_manager.select_for_update(of=("self",)).filter(pk=key)
        found = rows.values(*names).first() or {}
        readable = {name: value for name, value in found.items() if not is_lost(value)}
        if readable:
            model._default_manager.filter(pk=key).update(**readable)
    return len(readable) == len(found)
