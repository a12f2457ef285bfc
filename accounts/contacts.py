"""Who is behind a number, by the account's own address book."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Right
from django.utils import timezone

from accounts.numbers import digits_of, same_digits
from accounts.tenancy import Actor, TenantModel

LONGEST_NAME = 128
NAMED_AT_ONCE = 2000
ENDING = 5
SHORTEST_WITH_ENDING = 8
PLAIN_NUMBER = re.compile(r"\+?[0-9]{1,32}")


class Contact(TenantModel):
    """A number and whose it is. ``digits`` is the number as it is compared, read in the account's country.

    ``folded`` is what a search looks along: the name in small letters.
    """

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="contacts")
    number = models.CharField(max_length=64)
    digits = models.CharField(max_length=32, editable=False)
    name = models.CharField(max_length=LONGEST_NAME)
    company = models.CharField(max_length=LONGEST_NAME, blank=True)
    folded = models.CharField(max_length=2 * LONGEST_NAME, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "digits"]
        constraints = [models.UniqueConstraint(fields=["account", "digits"], name="contact_unique_digits")]
        indexes = [
            models.Index(
                fields=["account", "folded"],
                opclasses=["", "varchar_pattern_ops"],
                name="contact_account_folded",
            )
        ]

    def __str__(self) -> str:
        return called(self.name, self.company)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.derive()
        super().save(*args, **kwargs)

    def derive(self) -> None:
        """Set what follows from number and name."""
        self.digits = same_digits(self.number, self.account.country)
        self.folded = folded(self.name)

    def clean(self) -> None:
        if not digits_of(self.number):
            raise ValidationError({"number": "A phone number needs a digit."})
        if self.name != self.name.strip() or not self.name.isprintable():
            raise ValidationError({"name": "Write the name in one line."})
        if not self.company.isprintable():
            raise ValidationError({"company": "Write the company in one line."})

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        """Who sees a call may know who called: an account's contacts are all its people's."""
        return Q(account=actor.account_id)


def called(name: str, company: str) -> str:
    return f"{name}, {company}" if company else name


def folded(text: str) -> str:
    return text.casefold()[: 2 * LONGEST_NAME]


def contact_names(contacts: QuerySet[Contact], numbers: Iterable[str], country: str) -> dict[str, str]:
    """Those of the numbers that are a contact's, as they stand there; a query for each 2,000 of them."""
    digits = {number: same_digits(number, country) for number in set(numbers) if number}
    asked = sorted(set(digits.values()) - {""})
    names: dict[str, str] = {}
    for start in range(0, len(asked), NAMED_AT_ONCE):
        some = contacts.filter(digits__in=asked[start : start + NAMED_AT_ONCE]).order_by()
        names |= {row[0]: called(*row[1:]) for row in some.values_list("digits", "name", "company")}
    return {number: names[same] for number, same in digits.items() if same in names}


class AddressBook:
    """Names the numbers of very many rows: most end like no contact's, and are not read any further.

    Whatever becomes of a number's prefix when it is read, its last digits stay. A short one may be mostly
    prefix, and what is not written in plain digits is read to know them.
    """

    def __init__(self, contacts: QuerySet[Contact], country: str) -> None:
        self.contacts = contacts
        self.country = country
        self.endings = set(contacts.order_by().values_list(Right("digits", ENDING), flat=True).distinct())

    def names_of(self, numbers: Sequence[str]) -> list[str]:
        """What the account calls each number, if it has a name for it."""
        names = contact_names(self.contacts, filter(self.may_have, set(numbers)), self.country)
        return [names.get(number, "") for number in numbers] if names else [""] * len(numbers)

    def may_have(self, number: str) -> bool:
        return bool(self.endings) and (
            number[-ENDING:] in self.endings
            or len(number) < SHORTEST_WITH_ENDING
            or not PLAIN_NUMBER.fullmatch(number)
        )


def name_callers(rows: Sequence[Any]) -> None:
    """Give rows that have a caller and know their account what that account calls the caller."""
    for account in {row.account for row in rows}:
        own = [row for row in rows if row.account_id == account.pk]
        contacts = Contact.objects.filter(account=account)
        names = contact_names(contacts, (row.caller_number for row in own), account.country)
        for row in own:
            row.contact_name = names.get(row.caller_number, "")


def is_taken(contact: Contact) -> bool:
    """Whether another contact of the account has the number, however it is written."""
    same = Contact.objects.filter(
        account=contact.account, digits=same_digits(contact.number, contact.account.country)
    )
    return same.exclude(pk=contact.pk).exists()


def digits_named(contacts: QuerySet[Contact], beginning: str, most: int) -> list[str]:
    """The digits of contacts whose names begin so."""
    found = contacts.filter(folded__startswith=folded(beginning)).order_by("folded")
    return list(found.values_list("digits", flat=True)[:most])
