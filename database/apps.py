from __future__ import annotations

from django.apps import AppConfig


class DatabaseConfig(AppConfig):
    name = "database"

    def ready(self) -> None:
        from database import lookups  # noqa: F401
