"""Contacts from a CSV file: all of its lines, or none of them when one is wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from accounts.contacts import Contact
from accounts.models import Account
from accounts.tenancy import Actor

LARGEST_FILE = 8 * 1024 * 1024
MOST_LINES = 20_000
MOST_PROBLEMS = 100
AT_ONCE = 500
COLUMNS = ("number", "name", "company")


class BadFile(Exception):
    """What is wrong, by the number of the line; 0 is the file."""

    def __init__(self, problems: dict[int, str]) -> None:
        super().__init__("; ".join(words(line, problem) for line, problem in problems.items()))
        self.problems = problems


def words(line: int, problem: str) -> str:
    return f"line {line}: {problem}" if line else problem


@dataclass(frozen=True)
class Taken:
    added: int
    changed: int


def take_contacts(account: Account, content: bytes, actor: Actor | None) -> Taken:
    """Write every contact of the file; one that is there already, by its number, is changed."""
    contacts = read_contacts(account, content)
    with transaction.atomic():
        there = sum(write(account, contacts[at : at + AT_ONCE]) for at in range(0, len(contacts), AT_ONCE))
        taken = Taken(len(contacts) - there, there)
        audit.record(actor, "import_contacts", account, added=taken.added, changed=taken.changed)
    return taken


def write(account: Account, contacts: list[Contact]) -> int:
    """Write some; return how many of them were there."""
    there = Contact.objects.filter(account=account, digits__in=[contact.digits for contact in contacts])
    count = there.count()
    Contact.objects.bulk_create(
        contacts,
        update_conflicts=True,
        unique_fields=["account", "digits"],
        update_fields=["number", "name", "company", "folded"],
    )
    return count


def read_contacts(account: Account, content: bytes) -> list[Contact]:
    """Every line as a contact, or BadFile with what is wrong with the first hundred that are wrong."""
    problems: dict[int, str] = {}
    found: dict[str, int] = {}
    contacts = []
    for line, contact in contacts_in(account, content):
        if problem := problem_of(contact, found):
            problems[line] = problem
        found.setdefault(contact.digits, line)
        contacts.append(contact)
        if len(problems) >= MOST_PROBLEMS:
            break
    if problems:
        raise BadFile(problems)
    return contacts


def problem_of(contact: Contact, found: dict[str, int]) -> str:
    try:
        contact.clean_fields(exclude=["account", "digits", "folded"])
        contact.clean()
    except ValidationError as error:
        return " ".join(f"{name}: {' '.join(said)}" for name, said in error.message_dict.items())
    return f"the number of line {found[contact.digits]}" if contact.digits in found else ""


def contacts_in(account: Account, content: bytes) -> Iterator[tuple[int, Contact]]:
    """Each line's number and contact."""
    for line, row in rows_of(text_of(content)):
        values = {name: (row.get(name) or "").strip() for name in COLUMNS}
        contact = Contact(account=account, **values)
        contact.derive()
        yield line, contact


def text_of(content: bytes) -> str:
    if len(content) > LARGEST_FILE:
        raise BadFile({0: f"A file may have {LARGEST_FILE // 1024**2} MB."})
    if content.count(b"\n") > MOST_LINES + 1:
        raise BadFile({0: f"A file may have {MOST_LINES:,} lines."})
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadFile({line: "This is not UTF-8."}) from None


def rows_of(text: str) -> Iterator[tuple[int, dict[str, str | None]]]:
    """The lines as the heading names their columns; commas, semicolons or tabs are between them."""
    heading = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=heading.count), strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        if missing := [name for name in COLUMNS[:2] if name not in names]:
            raise BadFile({1: f"The first line names the columns; there is no {' and no '.join(missing)}."})
        for values in reader:
            if any(values):
                yield reader.line_num, dict(zip(names, values, strict=False))
    except csv.Error as error:
        raise BadFile({reader.line_num: f"This is not CSV: {error}."}) from None
