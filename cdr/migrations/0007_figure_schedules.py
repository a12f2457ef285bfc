from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import migrations
from django.utils import timezone

SCHEDULES = {
    "cdr.complete_days": {"func": "cdr.recount.complete_days", "schedule_type": "I", "minutes": 10},
    "cdr.check_figures": {"func": "cdr.recount.check_all", "schedule_type": "D"},
}


def add_schedules(apps: Any, schema_editor: Any) -> None:
    schedules = apps.get_model("django_q", "Schedule").objects
    at_night = timezone.now().replace(hour=2, minute=20, second=0, microsecond=0) + timedelta(days=1)
    for name, values in SCHEDULES.items():
        schedules.get_or_create(
            name=name,
            defaults={
                **values,
                "repeats": -1,
                "kwargs": "{'q_options': {'save': False}}",
                "next_run": at_night if values["schedule_type"] == "D" else timezone.now(),
            },
        )


def remove_schedules(apps: Any, schema_editor: Any) -> None:
    apps.get_model("django_q", "Schedule").objects.filter(name__in=SCHEDULES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("cdr", "0006_figures"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]

    operations = [migrations.RunPython(add_schedules, remove_schedules)]
