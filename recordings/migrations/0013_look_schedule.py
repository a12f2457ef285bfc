from __future__ import annotations

from typing import Any

from django.db import migrations

NAME = "recordings.look"


def add_schedule(apps: Any, schema_editor: Any) -> None:
    schedules = apps.get_model("django_q", "Schedule").objects
    if not schedules.filter(name=NAME).exists():
        schedules.create(
            name=NAME,
            func="recordings.orphans.look",
            schedule_type="I",
            minutes=5,
            repeats=-1,
            kwargs="{'q_options': {'save': False}}",
        )


def remove_schedule(apps: Any, schema_editor: Any) -> None:
    apps.get_model("django_q", "Schedule").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("recordings", "0012_two_recordings_in_one_file"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]

    operations = [migrations.RunPython(add_schedule, remove_schedule)]
