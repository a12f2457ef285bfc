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
# A hundred steps, as usual, are too few to tell the longest call in a thousand.
LENGTHS = ("wait_ms", "talk_ms", "duration_ms")
STEPS = 1000


def add(apps, editor):
    if connection.vendor != "postgresql":
        return
    for name, columns in INDEXES.items():
        editor.execute(f"CREATE INDEX {name} ON cdr_call {columns}")
    for column in LENGTHS:
        editor.execute(f"ALTER TABLE cdr_call ALTER {column} SET STATISTICS {STEPS}")


def remove(apps, editor):
    if connection.vendor != "postgresql":
        return
    for name in INDEXES:
        editor.execute(f"DROP INDEX {name}")
    for column in LENGTHS:
        editor.execute(f"ALTER TABLE cdr_call ALTER {column} SET STATISTICS -1")


class Migration(migrations.Migration):
    dependencies = [("cdr", "0013_legs_by_caller")]

    operations = [migrations.RunPython(add, remove)]
