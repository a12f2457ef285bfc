from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db import migrations

QUIET = {"repeats": -1, "kwargs": "{'q_options': {'save': False}}"}
NIGHT = time(1, 30, tzinfo=UTC)


def add_schedules(apps: Any, schema_editor: Any) -> None:
    schedules = apps.get_model("django_q", "Schedule").objects
    tonight = datetime.combine(datetime.now(UTC) + timedelta(days=1), NIGHT)
    schedules.get_or_create(
        name="recordings.retention",
        defaults={
            "func": "recordings.retention.retain",
            "schedule_type": "D",
            "next_run": tonight,
            **QUIET,
        },
    )
    schedules.get_or_create(
        name="recordings.integrity",
        defaults={"func": "recordings.integrity.verify", "schedule_type": "H", **QUIET},
    )


def remove_schedules(apps: Any, schema_editor: Any) -> None:
    names = ["recordings.retention", "recordings.integrity"]
    apps.get_model("django_q", "Schedule").objects.filter(name__in=names).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("recordings", "0010_holds_and_integrity"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]

    operations = [migrations.RunPython(add_schedules, remove_schedules)]
