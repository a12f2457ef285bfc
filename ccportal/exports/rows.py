"""Rows of an export, written chunk by chunk: as CSV, or as lines of JSON that a workbook is made from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from django.db.models import Model, QuerySet

from ccportal.api.pages import Place
from ccportal.api.quick_rows import QuickRows, quick_rows
from ccportal.api.sheets import written
from ccportal.exports.drafts import Draft
from ccportal.exports.kinds import kind_of
from ccportal.exports.sources import Asked, Source
from ccportal.exports.workbook import workbook
from recordings.exports import Export, ExportFormat


class RowsMaker:
    """Makes a sheet: ``add`` takes places of the source and writes the kind's rows that belong to them."""

    chunk = 2000
    taken: Sequence[Model] = ()
    files = missing = 0

    def __init__(self, export: Export, asked: Asked, source: Source, draft: Draft) -> None:
        self.export = export
        self.asked = asked
        self.draft = draft
        self.kind = kind_of(export)
        self.zone = asked.account.zone
        self.quick = self.reads(asked, self.kind.view.columns, self.kind.view.keyset, self.zone)
        self.lookup = "id__any_of" if source.model is self.kind.model else "call__id__any_of"
        if not draft.body.tell():
            self.begin([column.heading(self.zone) for column in self.kind.view.columns])

    def add(self, places: Sequence[Place]) -> None:
        found = list(self.rows(places))
        if found:
            self.write(found)

    def rows(self, places: Sequence[Place]) -> QuerySet[Any]:
        rows = self.asked.rows(self.kind.model).filter(**{self.lookup: [place.id.hex for place in places]})
        path = self.kind.view.keyset.path
        return self.quick.plain(rows).order_by(f"-{path}", "-id")

    def reads(self, *asked: Any) -> QuickRows:
        return quick_rows(*asked)

    def begin(self, headings: Sequence[str]) -> None:
        self.draft.body.write(written([headings]).encode())

    def write(self, found: Sequence[tuple[Any, ...]]) -> None:
        self.draft.body.write(self.quick.lines(found).encode())

    @contextmanager
    def finished(self) -> Iterator[BinaryIO]:
        """The whole file."""
        yield self.draft.body


class WorkbookMaker(RowsMaker):
    def reads(self, *asked: Any) -> QuickRows:
        return QuickRows(*asked)

    def begin(self, headings: Sequence[str]) -> None:
        self.write_lines([headings])

    def write(self, found: Sequence[tuple[Any, ...]]) -> None:
        self.write_lines(self.quick.plain_cells(found))

    def write_lines(self, cells: Iterable[Sequence[Any]]) -> None:
        lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in cells)
        self.draft.body.write("".join(f"{line}\n" for line in lines).encode())

    @contextmanager
    def finished(self) -> Iterator[BinaryIO]:
        self.draft.body.seek(0)
        with workbook(self.draft.body, self.export.get_kind_display()) as file:
            yield file


MAKERS: dict[str, type[RowsMaker]] = {ExportFormat.CSV: RowsMaker, ExportFormat.XLSX: WorkbookMaker}
