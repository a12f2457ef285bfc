"""``/accounts/A/exports``: lists as files, made in the background."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts.models import AuthToken, User
from accounts.scopes import READ
from ccportal.api.body import data_of
from ccportal.api.columns import (
    Column,
    Kind,
    by_name,
    identifier,
    moment,
    present,
    text,
    whole,
)
from ccportal.api.documents import ERROR, REFUSALS, described, listed, row_of
from ccportal.api.envelope import Answer
from ccportal.api.errors import Invalid, Missing
from ccportal.api.filters import Filters, period
from ccportal.api.pages import Keyset
from ccportal.api.shapes import answer_of, in_data, removed
from ccportal.api.views import AccountView, ListView, find
from ccportal.api.writing import Conflict
from ccportal.exports.downloads import Gone, download
from ccportal.exports.kinds import KINDS
from ccportal.exports.sources import FILTERS, IDS, MOST_IDS, may_have, query_of
from policies.schema import keyed, validate
from recordings.exporting import TooManyExports, ask, delete_export
from recordings.exports import Export, ExportFormat, ExportKind, ExportState

EXPORT_COLUMNS = (
    identifier("id", "id"),
    text("kind", "kind", ", ".join(ExportKind.values)),
    text("format", "format", ", ".join(ExportFormat.values)),
    text("state", "state", ", ".join(ExportState.values)),
    text("state_reason", "state_reason", "Why it failed, or is no more"),
    Column("chosen", Kind.OBJECT, lambda export: export.chosen, about="What was asked for", path="chosen"),
    text("asked_by", "asked_by"),
    moment("created", "asked_at"),
    moment("finished", "finished_at"),
    moment("expires", "expires_at"),
    whole("rows_done", "rows_done", "Rows of the list that are in the file so far"),
    whole("rows_total", "rows_total", "How many the list has; 10001 is more than ten thousand"),
    whole("files", "files", "Recordings in the ZIP so far"),
    whole("missing", "missing", "What is in its MISSING.csv so far"),
    text("file_name", "file_name"),
    whole("size", "size"),
    text("sha256", "sha256"),
)
FILTER_VALUE = {"type": "string", "maxLength": 20_000}
EXPORT_SCHEMA = keyed(
    {
        "kind": {"type": "string", "enum": list(ExportKind.values)},
        "format": {"type": "string", "enum": list(ExportFormat.values)},
        "filters": {
            "type": "object",
            "maxProperties": 50,
            "additionalProperties": FILTER_VALUE,
            "description": "Parameters as the list of this kind takes them: created_from, filter_K, …",
        },
        "ids": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_IDS,
            "items": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "description": "Conversations, instead of filters",
        },
    },
    "What to export",
) | {"required": ["kind", "format"]}
SHAPE = row_of("Export", EXPORT_COLUMNS)
KNOWN = ("created_from", "created_to", "has_key", "key_missing")


class ExportView(AccountView):
    def exports(self) -> QuerySet[Export]:
        return self.within(Export).select_related("store", "account")

    def require_export(self, kind: str, file_format: str) -> None:
        """Refuse who may not have such a file, and a token that may not read the list."""
        token = self.request.auth
        narrowed = isinstance(token, AuthToken) and not token.permits(KINDS[kind].resource, READ)
        if self.actor is None or narrowed or not may_have(self.actor, file_format):
            raise PermissionDenied


class ExportList(ExportView, ListView):
    columns = EXPORT_COLUMNS
    filters = Filters(by_name(EXPORT_COLUMNS))
    keyset = Keyset("asked_at")
    file_name = "exports.csv"

    def rows(self) -> QuerySet[Export]:
        return self.exports()

    @listed("List exports", EXPORT_COLUMNS, name="Export")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Ask for an export",
        request=in_data(EXPORT_SCHEMA),
        responses={201: answer_of(SHAPE), **dict.fromkeys((400, 403, 409, 413), ERROR), **REFUSALS},
    )
    def put(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        data = checked(data_of(request))
        self.require_export(data["kind"], data["format"])
        try:
            export = ask(self.wanted(data), self.actor)
        except TooManyExports:
            raise Conflict({"message": "Too many exports are being made. Wait for one of them."}) from None
        answer = Answer(present(EXPORT_COLUMNS, export), status=201)
        answer["Location"] = f"{request.path.rstrip('/')}/{export.pk.hex}"
        return answer

    def wanted(self, data: dict[str, Any]) -> Export:
        user, token = self.request.user, self.request.auth
        return Export.wanted(
            self.account,
            data["kind"],
            data["format"],
            {name: data[name] for name in (FILTERS, IDS) if name in data},
            user=user if isinstance(user, User) else None,
            api_key=token.api_key if isinstance(token, AuthToken) else None,
        )


class ExportDetail(ExportView):
    @described("Read an export", EXPORT_COLUMNS, name="Export")
    def get(self, request: Request, account_id: str, export_id: str) -> Answer:
        return Answer(present(EXPORT_COLUMNS, find(self.exports(), export_id)))

    @removed("Stop the making of an export, or remove its file; its row stays", SHAPE)
    def delete(self, request: Request, account_id: str, export_id: str) -> Answer:
        export = find(self.exports(), export_id)
        self.require_export(export.kind, export.format)
        delete_export(export, self.actor)
        return Answer(present(EXPORT_COLUMNS, find(self.exports(), export_id)))


class ExportFile(ExportView):
    @extend_schema(
        summary="Download an export",
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
            403: ERROR,
            416: None,
            **REFUSALS,
        },
    )
    def get(self, request: Request, account_id: str, export_id: str) -> HttpResponseBase:
        export = find(self.exports(), export_id)
        self.require_export(export.kind, export.format)
        try:
            return download(request._request, export, self.actor)
        except Gone as gone:
            raise Missing({"message": str(gone), "reason": export.state}) from None


def checked(data: dict[str, Any]) -> dict[str, Any]:
    """What is asked for, after every rule was looked at."""
    stored, problems = validate(data, EXPORT_SCHEMA, path="")
    document: dict[str, Any] = stored
    if problems:
        raise Invalid(problems)
    if document["format"] == ExportFormat.ZIP and document["kind"] != ExportKind.RECORDINGS:
        raise Invalid.rule("format", "enum", "A ZIP has recordings.", target=["csv", "xlsx"], value="zip")
    if FILTERS in document and IDS in document:
        raise Invalid.rule("ids", "additionalProperties", "Give filters or ids.", value=FILTERS)
    check_filters(document["kind"], query_of(document.get(FILTERS, {})))
    return document


def check_filters(kind: str, query: QueryDict) -> None:
    view = KINDS[kind].view
    for name in query:
        if name not in KNOWN and not name.startswith("filter_"):
            raise Invalid.rule(
                f"filters.{name}", "additionalProperties", "There is no such filter.", value=name
            )
    period(query, view.keyset.path)
    view.filters.condition(query)
