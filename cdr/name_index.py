"""The index that finds part of a name, where PostgreSQL has the extension for it."""

from __future__ import annotations

import logging

from django.db import DatabaseError, connection, transaction

EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
INDEX = """
CREATE INDEX IF NOT EXISTS call_names ON cdr_call
USING gin (upper(caller_name::text) gin_trgm_ops, upper(callee_name::text) gin_trgm_ops)
"""

logger = logging.getLogger(__name__)


def add_name_index() -> bool:
    """Make it if the database lets us; without it, a name is looked for call by call along the period."""
    if connection.vendor != "postgresql":
        return False
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(EXTENSION)
            cursor.execute(INDEX)
    except DatabaseError as refused:
        logger.warning("Names of callers have no index of their own: %s", str(refused).strip())
        return False
    return True
