"""``/accounts/A``, its children and descendants."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework.request import Request

from accounts.models import LONGEST_KEPT_DAYS, Account
from ccportal.api.attributes import Attribute, Resource, line, switch
from ccportal.api.columns import by_name, flag, identifier, moment, text, whole
from ccportal.api.documents import listed
from ccportal.api.envelope import Answer
from ccportal.api.filters import Filters
from ccportal.api.pages import Keyset
from ccportal.api.shapes import created, described, replaced, shape_of
from ccportal.api.views import ListView
from ccportal.api.writing import Creating, Document, ResourceDetail, keep
from policies.schema import ACCOUNT_SCHEMA

ACCOUNT = (
    identifier("id", "id"),
    identifier("parent_id", "parent_id", "The account above it"),
    text("name", "name"),
    text("realm", "realm", "SIP domain"),
    text("account_code", "account_code"),
    text("timezone", "time_zone"),
    text("country", "country", "The country whose way of writing numbers is read"),
    whole("keep_calls_days", "keep_calls_days"),
    whole("keep_recordings_days", "keep_recordings_days"),
    whole("keep_exports_days", "keep_exports_days"),
    text("file_name_template", "file_name_template", "What recordings are named"),
    text("clip_suffix", "clip_suffix", "Ends the name of a part"),
    flag("keep_wav", "keep_wav", "Whether the WAV file of what is recorded by policy is kept beside its MP3"),
    flag("enabled", "enabled"),
    flag("agents_may_listen", "agents_may_listen"),
    flag("reviewers_may_download", "reviewers_may_download"),
    moment("created", "created_at"),
)
WORDS = {"type": "array", "maxItems": 100, "items": {"type": "string", "minLength": 1, "maxLength": 128}}


def days(name: str, what: str) -> Attribute:
    """For how many days something is kept; not there means for ever."""
    about = f"For how many days {what} are kept; without it for ever"
    return Attribute(
        name, name, {"type": "integer", "minimum": 1, "maximum": LONGEST_KEPT_DAYS, "description": about}
    )


RESOURCE = Resource(
    "Account",
    Account,
    ACCOUNT,
    (
        line("name", "name", 128, required=True),
        line("realm", "realm", 253, "SIP domain"),
        line("account_code", "account_code", 64),
        line("timezone", "time_zone", 64, "Such as Europe/Berlin"),
        line("country", "country", 2, "Such as DE: the country whose way of writing numbers is read"),
        days("keep_calls_days", "calls"),
        days("keep_recordings_days", "the audio of recordings"),
        days("keep_exports_days", "exports"),
        line("file_name_template", "file_name_template", 200, "Such as {started:%Y%m%d}_{caller}_{agent}"),
        line("clip_suffix", "clip_suffix", 32, "Ends the name of a part, such as _span"),
        switch("keep_wav", "keep_wav", "Keep the WAV file of what is recorded by policy beside its MP3"),
        switch("enabled", "enabled"),
        switch("agents_may_listen", "agents_may_listen"),
        switch("reviewers_may_download", "reviewers_may_download"),
        Attribute("custom_variables", "custom_variables", WORDS),
    ),
    ACCOUNT_SCHEMA,
)
# An account's own administrators cannot switch it off or claim another's calls.
NOT_BY_ITSELF = ("realm", "account_code", "enabled")
SHAPE = shape_of(RESOURCE)


class ChildMaking(Creating):
    """PUT makes an account below the one in the path."""

    resource = RESOURCE

    def blank(self) -> Account:
        return Account(parent=self.account)

    def all_rows(self) -> QuerySet[Any]:
        return self.visible(Account)

    def place(self, row: Any) -> str:
        return reverse("api:account", args=[row.pk.hex])


class AccountDetail(ChildMaking, ResourceDetail):
    http_method_names = ["get", "put", "post", "patch", "head", "options"]
    resource = RESOURCE

    def item(self) -> Any:
        return self.rows().get(pk=self.account.pk)

    def permitted(self, row: Any, before: Document, after: Document, data: Document) -> Document:
        itself = self.actor is not None and self.actor.account_id == row.pk
        return keep(NOT_BY_ITSELF, before, after, data) if itself else after

    @described("Read an account", SHAPE)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        return super().get(request, *args, **kwargs)

    @created("Make an account below this one", RESOURCE, SHAPE)
    def put(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        return super().put(request, *args, **kwargs)

    @replaced("Replace an account's public fields", RESOURCE, SHAPE)
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        return super().post(request, *args, **kwargs)

    @replaced("Change some of an account", RESOURCE, SHAPE, partly=True)
    def patch(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        return super().patch(request, *args, **kwargs)


class AccountList(ChildMaking, ListView):
    scope_name = "accounts"
    columns = ACCOUNT
    filters = Filters(by_name(ACCOUNT))
    keyset = Keyset("created_at")
    file_name = "accounts.csv"

    @listed("List accounts below this one", ACCOUNT, name="Account")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return super().get(request, *args, **kwargs)

    @created("Make an account below this one", RESOURCE, SHAPE)
    def put(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        return super().put(request, *args, **kwargs)


class Children(AccountList):
    def all_rows(self) -> QuerySet[Any]:
        return self.visible(Account).filter(parent=self.account)


class Descendants(AccountList):
    def all_rows(self) -> QuerySet[Any]:
        below = self.visible(Account).filter(tree_path__startswith=self.account.tree_path)
        return below.exclude(pk=self.account.pk)
