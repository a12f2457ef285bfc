from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class CcportalConfig(AppConfig):
    name = "ccportal"

    def ready(self) -> None:
        import_module("ccportal.checks")
