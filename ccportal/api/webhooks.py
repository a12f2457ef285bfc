"""``/accounts/A/webhooks``: where news of an account is posted to."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.request import Request

from accounts.keys import new_secret
from ccportal.api.attributes import Attribute, Resource, line, switch
from ccportal.api.columns import Column, Kind, by_name, flag, identifier, moment, text
from ccportal.api.errors import Invalid
from ccportal.api.filters import Filters
from ccportal.api.pages import Keyset
from ccportal.api.shapes import collection_of, item_of
from ccportal.api.writing import Document, ResourceDetail, ResourceList, ResourceView
from recordings.delivery.models import Event, Webhook, refuse_inside

EVENTS = {
    "type": "array",
    "items": {"type": "string", "enum": list(Event.values)},
    "minItems": 1,
    "uniqueItems": True,
    "description": "What it wants to hear of; everything unless written",
}
ROTATE = {"type": "boolean", "writeOnly": True, "description": "Make a new secret, which the answer has once"}

WEBHOOKS = Resource(
    "Webhook",
    Webhook,
    (
        identifier("id", "id"),
        text("name", "name"),
        text("url", "url", "http or https, outside the server's own network"),
        Column("events", Kind.LIST, lambda hook: hook.events, about=", ".join(Event.values)),
        flag("enabled", "enabled"),
        moment("created", "created_at"),
    ),
    (
        line("name", "name", 128, "Unique within the account", required=True),
        line("url", "url", 2048, "http or https, outside the server's own network", required=True),
        Attribute("events", "events", EVENTS),
        switch("enabled", "enabled"),
        Attribute("rotate_secret", "rotate_secret", ROTATE, write_only=True),
    ),
)


class Webhooks(ResourceView):
    """The secret is in the answer that follows its making, and in no other."""

    resource = WEBHOOKS

    def sent(self, request: Request) -> Document:
        """What the client wrote; a host in it is looked up before anything is held."""
        data = super().sent(request)
        url = data.get("url")
        try:
            if isinstance(url, str) and url:
                refuse_inside(url)
        except ValidationError as unsafe:
            raise Invalid.rule("url", "format", " ".join(unsafe.messages), value=url) from None
        return data

    def finish(self, row: Webhook, document: Document) -> None:
        if document.get("rotate_secret"):
            row.secret = new_secret()
        if row._state.adding or document.get("rotate_secret"):
            row.plain = row.secret  # type: ignore[attr-defined]

    def written(self, row: Any) -> Document:
        plain = getattr(row, "plain", None)
        return super().written(row) | ({"secret": plain} if plain else {})


@collection_of(WEBHOOKS)
class WebhookList(Webhooks, ResourceList):
    columns = WEBHOOKS.columns
    filters = Filters(by_name(WEBHOOKS.columns))
    keyset = Keyset("created_at")
    file_name = "webhooks.csv"


@item_of(WEBHOOKS)
class WebhookDetail(Webhooks, ResourceDetail):
    """One webhook, without its secret."""
