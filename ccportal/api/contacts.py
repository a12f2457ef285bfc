"""``/accounts/A/contacts``: whose a number is, one at a time or as a CSV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from django.db.models import QuerySet
from rest_framework.request import Request

from accounts.access import Action
from accounts.contact_files import LARGEST_FILE, BadFile, take_contacts
from accounts.contacts import AddressBook, Contact, contact_names, is_taken
from ccportal.api.attributes import Resource, line
from ccportal.api.body import BodyParser
from ccportal.api.cells import TEXTS
from ccportal.api.columns import Column, Gathered, Kind, Read, by_name, identifier, moment, text
from ccportal.api.envelope import Answer
from ccportal.api.errors import Invalid, TooLarge
from ccportal.api.filters import Filters
from ccportal.api.pages import Keyset
from ccportal.api.shapes import collection_of, item_of
from ccportal.api.views import AccountView
from ccportal.api.writing import Document, ResourceDetail, ResourceList, ResourceView

CONTACTS = Resource(
    "Contact",
    Contact,
    (
        identifier("id", "id"),
        text("number", "number"),
        text("digits", "digits", "As numbers are compared: a public one with its country's code"),
        text("name", "name"),
        text("company", "company"),
        moment("created", "created_at"),
    ),
    (
        line("number", "number", 64, "Unique within the account, however it is written", required=True),
        line("name", "name", 128, required=True),
        line("company", "company", 128),
    ),
)


@dataclass(frozen=True)
class Sheet:
    """A CSV file that was sent."""

    content: bytes


class SheetOrJson(BodyParser):
    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        if (media_type or "").partition(";")[0].strip().lower() != "text/csv":
            return super().parse(stream, media_type, parser_context)
        content = stream.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise TooLarge({"message": f"A file may have {LARGEST_FILE} bytes.", "target": LARGEST_FILE})
        return Sheet(content)


class Contacts(ResourceView):
    resource = CONTACTS

    def finish(self, row: Contact, document: Document) -> None:
        if is_taken(row):
            raise Invalid.rule(
                "number", "unique", "The account has a contact with this number.", value=row.number
            )


@collection_of(CONTACTS)
class ContactList(Contacts, ResourceList):
    """PUT takes one contact as JSON, or many as CSV: those whose numbers are there are changed."""

    columns = CONTACTS.columns
    filters = Filters(by_name(CONTACTS.columns))
    keyset = Keyset("created_at")
    file_name = "contacts.csv"
    parser_classes = (SheetOrJson,)

    def put(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        self.require(Action.CONFIGURE)
        if not isinstance(request.data, Sheet):
            return super().put(request, *args, **kwargs)
        try:
            taken = take_contacts(self.account, request.data.content, self.actor)
        except BadFile as bad:
            raise Invalid(
                {
                    f"line {line}" if line else "data": {"format": {"message": problem}}
                    for line, problem in bad.problems.items()
                }
            ) from None
        return Answer({"added": taken.added, "changed": taken.changed})


@item_of(CONTACTS)
class ContactDetail(Contacts, ResourceDetail):
    """One contact."""


def contacts_of(view: Any) -> QuerySet[Contact]:
    contacts: QuerySet[Contact] = view.visible(Contact).filter(account=view.account)
    return contacts


def names_of_numbers(view: Any) -> Read:
    book = AddressBook(contacts_of(view), view.account.country)
    return lambda keys: book.names_of([number or "" for (number,) in keys])


CONTACT_NAME = Column(
    "contact_name",
    Kind.TEXT,
    lambda row: row.contact_name,
    about="Name and company of the account's contact with the caller's number",
    gathered=Gathered(("caller_number",), names_of_numbers),
    form=TEXTS,
)


def name_callers(view: AccountView, rows: Sequence[Any]) -> None:
    """Give each row the name of its caller: one query for a page of them."""
    names = contact_names(contacts_of(view), (row.caller_number for row in rows), view.account.country)
    for row in rows:
        row.contact_name = names.get(row.caller_number, "")
