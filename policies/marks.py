"""Triggers that leave a mark with every change of what snapshots hold, whoever makes it and however.

They write rows instead of counting in one, so that no two transactions wait for each other.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

WATCHED: dict[str, tuple[str, ...]] = {
    "accounts.Account": ("tree_path", "enabled", "realm", "account_code", "country"),
    "accounts.Device": ("account", "owner", "sip_username", "name", "enabled"),
    "accounts.User": ("account", "extension", "name", "is_active"),
    "accounts.PhoneNumber": ("digits", "account", "owner"),
    "accounts.Switch": ("account", "offnet_profiles", "offnet_contexts", "path_mapping"),
    "queues.Queue": ("account", "name", "record", "record_parameters"),
    "policies.RecordingPolicy": ("account", "user", "device", "document"),
}
FUNCTION = """
CREATE OR REPLACE FUNCTION policies_leave_mark() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO policies_snapshotmark DEFAULT VALUES; RETURN NULL; END $$
"""


def ensure_triggers(using: str = "default", **_: Any) -> None:
    """Make the triggers that are not there; a table that was made anew has lost them."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    wanted = {label: columns for label, columns in WATCHED.items() if _table(label) in tables}
    if "policies_snapshotmark" not in tables or len(wanted) < len(WATCHED):
        return
    make = _on_postgresql if connection.vendor == "postgresql" else _on_sqlite
    for label, columns in wanted.items():
        make(connection, _table(label), _columns(label, columns))


def _table(label: str) -> str:
    return str(apps.get_model(label)._meta.db_table)


def _columns(label: str, names: tuple[str, ...]) -> str:
    meta = apps.get_model(label)._meta
    return ", ".join(f'"{meta.get_field(name).column}"' for name in names)


def _on_postgresql(connection: BaseDatabaseWrapper, table: str, columns: str) -> None:
    name = f"{table}_mark"
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_trigger WHERE tgname = %s AND tgrelid = %s::regclass", [name, table])
        if cursor.fetchone():
            return
        cursor.execute(FUNCTION)
        cursor.execute(
            f"CREATE TRIGGER {name} AFTER INSERT OR DELETE OR UPDATE OF {columns} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION policies_leave_mark()"
        )


def _on_sqlite(connection: BaseDatabaseWrapper, table: str, columns: str) -> None:
    moments = {"insert": "INSERT", "delete": "DELETE", "update": f"UPDATE OF {columns}"}
    with connection.cursor() as cursor:
        for suffix, moment in moments.items():
            cursor.execute(
                f"CREATE TRIGGER IF NOT EXISTS {table}_mark_{suffix} AFTER {moment} ON {table} "
                "BEGIN INSERT INTO policies_snapshotmark (id) VALUES (NULL); END"
            )
