from __future__ import annotations

from django.apps import AppConfig


class CcportalConfig(AppConfig):
    name = "ccportal"

    def ready(self) -> None:
        from ccportal import checks  # noqa: F401
