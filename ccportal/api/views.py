"""The bases of every /v2 view: who asks, which account, and lists in pages or as CSV."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.utils.functional import cached_property
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Action
from accounts.audit import address_of
from accounts.models import Account, AuthToken
from accounts.tenancy import TenantAPIView
from ccportal.api.authentication import HasActor, SessionAuthentication, TokenAuthentication
from ccportal.api.body import BodyParser
from ccportal.api.columns import Column, as_id, present
from ccportal.api.documents import NamedByPath
from ccportal.api.envelope import Answer, EnvelopeRenderer, refuse, request_id
from ccportal.api.errors import Invalid, NoLongerThere
from ccportal.api.filters import Filters, period
from ccportal.api.pages import DEFAULT_SIZE, Keyset, Page
from ccportal.api.quick_rows import can_be_quick, quick_rows
from ccportal.api.rates import count_request
from ccportal.api.scoping import check_scope
from ccportal.api.sheets import plain_file_name, sheet, sheet_of_lines

M = TypeVar("M", bound=Model)


LIST_TYPES = ("application/json", "text/csv")


class AlwaysJson(BaseContentNegotiation):
    """The view itself looks whether CSV or audio is preferred."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class ApiView(TenantAPIView, GenericAPIView[Any]):
    authentication_classes = (TokenAuthentication, SessionAuthentication)
    permission_classes: Sequence[Any] = (HasActor,)
    renderer_classes = (EnvelopeRenderer,)
    parser_classes = (BodyParser,)
    content_negotiation_class = AlwaysJson
    pagination_class = None
    filter_backends = ()
    schema = NamedByPath()

    def perform_authentication(self, request: Request) -> None:
        """Find out who asks, and count the request: an address is counted while it is nobody."""
        try:
            super().perform_authentication(request)
        except AuthenticationFailed:
            count_request(f"address:{address_of(request._request)}")
            raise
        count_request(owner_of(request))

    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        """Tell the verbs, in the answer and as ``Allow``."""
        return Answer({"methods": self.allowed_methods})

    def get_exception_handler(self) -> Any:
        return refuse

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["X-Request-ID"] = request_id(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def require(self, action: Action) -> None:
        """Refuse an action that the actor's role may not do."""
        if self.actor is None or not self.actor.may(action):
            raise PermissionDenied


def owner_of(request: Request) -> str:
    """Whose requests are counted together: a person's or a key's, else an address's."""
    token = request.auth if isinstance(request.auth, AuthToken) else None
    if token and token.api_key_id:
        return f"key:{token.api_key_id}"
    person = getattr(request.user, "pk", None)
    return f"person:{person}" if person else f"address:{address_of(request._request)}"


class Unknown(ApiView):
    """Every path that nothing else answers: to the outside it looks like a thing that is not yours."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise Http404


class Gone(ApiView):
    """``/v1/…``, whatever it was."""

    permission_classes = ()

    def perform_authentication(self, request: Request) -> None:
        """Say so to everyone."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NoLongerThere({"message": "Use /v2."})


class AccountView(ApiView):
    """A view below ``/accounts/A``; ``scope_name`` is its resource where the path's first word is not."""

    scope_name: ClassVar[str] = ""

    @cached_property
    def account(self) -> Account:
        return self.one(Account, self.kwargs["account_id"])

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_scope(request, type(self))
        _ = self.account

    def within(self, model: type[M]) -> QuerySet[M]:
        """The visible rows of the account in the path."""
        return self.visible(model).filter(account=self.account)

    def one(self, model: type[M], identifier: str) -> M:
        return find(self.visible(model), identifier)


def find(rows: QuerySet[M], identifier: str) -> M:
    """The row with the id, or 404 whatever the reason."""
    try:
        key = as_id(identifier)
    except ValueError:
        raise Http404 from None
    row = rows.filter(pk=key).first()
    if row is None:
        raise Http404
    return row


class ListView(AccountView):
    """Rows in pages, newest first, or as CSV; what they are is said by ``columns`` and ``rows``."""

    columns: ClassVar[Sequence[Column]]
    filters: ClassVar[Filters]
    keyset: ClassVar[Keyset]
    file_name: ClassVar[str]

    def rows(self) -> QuerySet[Any]:
        raise NotImplementedError

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        query = request.query_params
        page = Page.read(query)
        if (accept := query.get("accept")) not in (None, *LIST_TYPES):
            raise Invalid.rule(
                "accept", "enum", "This is not offered.", target=list(LIST_TYPES), value=accept
            )
        rows = self.rows().filter(period(query, self.keyset.path), self.condition(query))
        if preferred(request, *LIST_TYPES) == "text/csv":
            return self.file(rows, page, query)
        return self.page(rows, page, query)

    def condition(self, query: QueryDict) -> Q:
        return self.filters.condition(query)

    def page(self, rows: QuerySet[Any], page: Page, query: QueryDict) -> Answer:
        size = page.size or DEFAULT_SIZE
        found = self.keyset.slice(rows, size + 1, page.ascending, page.start)
        shown = found[:size]
        self.prepare(shown)
        beside: dict[str, Any] = {"page_size": len(shown), "start_key": query.get("start_key", "")}
        if len(found) > size:
            beside["next_start_key"] = self.keyset.place_of(shown[-1], page.ascending).write()
        return Answer([self.present(row) for row in shown], **beside)

    def prepare(self, rows: Sequence[Any]) -> None:
        """Read at once what the page's rows show of elsewhere."""

    def file(self, rows: QuerySet[Any], page: Page, query: QueryDict) -> HttpResponseBase:
        self.require(Action.EXPORT)
        name = plain_file_name(query.get("file_name", ""), self.file_name)
        if self.request.method == "HEAD":
            rows = rows.none()
        zone = self.account.zone
        if not can_be_quick(self.columns):
            return sheet(self.columns, self.keyset.chunks(rows, page), zone, name)
        lines = quick_rows(self, self.columns, self.keyset, zone).chunks(rows, page)
        return sheet_of_lines(self.columns, lines, zone, name)

    def present(self, row: Any) -> dict[str, Any]:
        return present(self.columns, row)


def preferred(request: Request, *media_types: str) -> str:
    """Which of the types is asked for, by ``?accept=`` or the header; the first when nothing is."""
    http_request: HttpRequest = request._request
    asked = request.query_params.get("accept")
    if asked is not None:
        return asked if asked in media_types else media_types[0]
    return http_request.get_preferred_type(list(media_types)) or media_types[0]


def same_id(text: str) -> uuid.UUID | None:
    """The id that a text writes, if it writes one."""
    try:
        return as_id(text)
    except ValueError:
        return None
