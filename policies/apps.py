from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PoliciesConfig(AppConfig):
    name = "policies"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Recording policies"

    def ready(self) -> None:
        """Have the triggers looked after whenever tables may have been made anew."""
        from policies.marks import ensure_triggers

        post_migrate.connect(ensure_triggers, sender=self, dispatch_uid="policies.marks")
