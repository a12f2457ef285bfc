"""Values as a database hands them out for files: as they cost least to read, or written into cells."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, Func, Subquery, TextField

from ccportal.api.times import changes_of


class HexDigits(Func):
    """A UUID as the API writes it; SQLite keeps it so."""

    template = "replace(%(expressions)s::text, '-', '')"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="%(expressions)s", **context)


class Microseconds(Func):
    """A moment as microseconds since 1970; SQLite would round its last half of a millisecond up."""

    template = "(extract(epoch FROM %(expressions)s) * 1000000)::bigint"
    output_field = BigIntegerField()
    on_sqlite = (
        "(CAST(strftime('%%%%s', substr(%(expressions)s, 1, 19)) AS INTEGER) * 1000000"
        " + CAST(substr(%(expressions)s, 21) AS INTEGER))"
    )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.on_sqlite, **context)


class Cell(Func):
    """A field's value as a line of CSV has it: quoted where it must be, no formula, nothing for NULL."""

    output_field = TextField()
    written = "(%(expressions)s)::text"

    def __init__(self, path: str, zone: ZoneInfo, **extra: Any) -> None:
        super().__init__(path, template=f"coalesce({self.written}, '')", **extra)
        self.zone = zone


class TextCell(Cell):
    written = r"""CASE
        WHEN %(expressions)s ~ '[",\r\n]' THEN '"'
            || CASE WHEN %(expressions)s ~ '^[-=+@\t\r]' THEN '''' ELSE '' END
            || replace(%(expressions)s, '"', '""') || '"'
        WHEN %(expressions)s ~ '^[-=+@\t\r]' THEN '''' || %(expressions)s
        ELSE %(expressions)s
    END"""


class HexCell(Cell):
    written = "replace(%(expressions)s::text, '-', '')"


class NumberCell(Cell):
    number = "%(expressions)s"

    @property
    def written(self) -> str:  # type: ignore[override]
        return f"replace(({self.number})::text, '-', '''-')"


class SecondsCell(NumberCell):
    """Milliseconds as whole seconds."""

    number = "floor((%(expressions)s + 500) / 1000.0)::bigint"


class EpochCell(NumberCell):
    """A moment as whole seconds, counted so that 1970 has the number ``at_unix_epoch``."""

    number = "floor(extract(epoch FROM %(expressions)s))::bigint + %(at_unix_epoch)d"


class MomentCell(Cell):
    """A moment in the zone, by the changes of its clocks that Python knows: a database may know others."""

    offset = "(%%s::text[])[1 + width_bucket(%(expressions)s, %%s::timestamptz[])]"
    written = (
        f"to_char(%(expressions)s AT TIME ZONE 'UTC' + {offset}::interval, 'YYYY-MM-DD HH24:MI:SS.MS')"
        f" || {offset}"
    )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        sql, _ = self.as_sql(compiler, connection, **context)
        bounds, offsets = changes_of(self.zone)
        return sql, [offsets, bounds] * 2


class IdsCell(Subquery):
    """The ids that a query finds, as hex digits, in its order."""

    template = "replace(array_to_string(ARRAY(%(subquery)s), ' '), '-', '')"
    output_field = TextField()


class Cells(Func):
    """Cells beside each other."""

    template = "concat_ws(',', %(expressions)s)"
    output_field = TextField()
