from __future__ import annotations

from django.apps import AppConfig


class RecordingsConfig(AppConfig):
    name = "recordings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cdr.assign import FOLLOWERS

        FOLLOWERS.append("recordings.delivery.news.calls_assigned")
