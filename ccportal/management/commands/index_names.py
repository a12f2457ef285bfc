"""Have names of callers found by an index, where the database did not offer one before."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cdr.name_index import add_name_index


class Command(BaseCommand):
    help = "Make the index of names on PostgreSQL, when pg_trgm was installed after the migrations."

    def handle(self, *args: Any, **options: Any) -> None:
        if not add_name_index():
            raise CommandError(
                "The database offers no index for parts of names: PostgreSQL does with pg_trgm."
            )
        self.stdout.write("Names are found by an index.")
