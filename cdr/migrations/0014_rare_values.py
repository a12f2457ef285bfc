from django.db import connection, migrations

# PostgreSQL knows how rare a value is and takes these for the rare ones; SQLite would take them for all.
INDEXES = {
    "call_outcome_started": "(account_id, outcome, started_at DESC, id DESC)",
    "call_direction_started": "(account_id, direction, started_at DESC, id DESC)",
    "call_recorded_started": "(account_id, started_at DESC, id DESC) WHERE recording_count > 0",
    "call_unrecorded_started": "(account_id, started_at DESC, id DESC) WHERE NOT recording_count > 0",
    "call_wait": "(account_id, wait_ms)",
    "call_talk": "(account_id, talk_ms)",
    "call_length": "(account_id, duration_ms)",
}


def add(apps, editor):
    for name, columns in INDEXES.items() if connection.vendor == "postgresql" else ():
        editor.execute(f"CREATE INDEX {name} ON cdr_call {columns}")


def remove(apps, editor):
    for name in INDEXES if connection.vendor == "postgresql" else ():
        editor.execute(f"DROP INDEX {name}")


class Migration(migrations.Migration):
    dependencies = [("cdr", "0013_legs_by_caller")]

    operations = [migrations.RunPython(add, remove)]
