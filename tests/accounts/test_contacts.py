"""An account's address book: one contact a number, however it is written, from a file too."""

from __future__ import annotations

from pathlib import Path

import phonenumbers
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from phonenumbers import PhoneNumberFormat

from accounts.contact_files import LARGEST_FILE, BadFile, take_contacts
from accounts.contacts import AddressBook, contact_names
from accounts.models import Account, AuditEntry, Contact
from accounts.numbers import same_digits
from tests.factories import make_account, make_contact

pytestmark = pytest.mark.django_db
FILE = "number,name,company\n+49 30 5550100,Erika Muster,Muster AG\n101,Front desk,\n"


@pytest.fixture
def account() -> Account:
    return make_account("Acme", country="DE")


def rows(account: Account) -> list[tuple[str, str, str]]:
    return list(
        Contact.objects.filter(account=account).order_by("digits").values_list("digits", "name", "company")
    )


@pytest.mark.parametrize(
    "written",
    ["+49 30 5550100", "030 5550100", "(030) 555-0100", "0049305550100", "49305550100", "0305550100"],
)
def test_a_number_is_the_same_in_any_way_of_writing(written: str) -> None:
    assert same_digits(written, "DE") == "49305550100"


@pytest.mark.parametrize(
    ("written", "digits"), [("101", "101"), ("*97", "97"), ("anonymous", ""), ("9" * 90, "9" * 32)]
)
def test_what_is_no_public_number_has_its_own_digits(written: str, digits: str) -> None:
    assert same_digits(written, "DE") == digits


def test_a_caller_is_named_whatever_the_switch_wrote(account: Account) -> None:
    make_contact(account, "+49 30 5550100", company="Muster AG")
    names = contact_names(Contact.objects.all(), ["0305550100", "004930 5550100", "0305550101", ""], "DE")
    assert names == dict.fromkeys(["0305550100", "004930 5550100"], "Erika Muster, Muster AG")


def ways_to_write(number: phonenumbers.PhoneNumber) -> list[str]:
    """A number as switches may note it, and numbers that are nearly the same."""
    forms = (PhoneNumberFormat.E164, PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL)
    written = [phonenumbers.format_number(number, form) for form in forms]
    plain = ["".join(filter(str.isdigit, text)) for text in written]
    same = [*written, *plain, f"00{plain[0]}", f"011{plain[0]}", str(number.national_number)]
    return [*same, *(f"0{text}" for text in same), *(f"{text}7" for text in same), "101", "102", ""]


def test_a_book_names_as_numbers_are_named_one_by_one(account: Account) -> None:
    """The numbers of every country, read there, where each is a contact's."""
    examples = {country: phonenumbers.example_number(country) for country in phonenumbers.SUPPORTED_REGIONS}
    written = {country: ways_to_write(number) for country, number in examples.items() if number}
    digits = {forms[0].lstrip("+") for forms in written.values()} | {"101"}
    Contact.objects.bulk_create(Contact(account=account, digits=each, name=each) for each in digits)
    for country, numbers in written.items():
        names = contact_names(account.contacts.all(), numbers, country)
        book = AddressBook(account.contacts.filter(digits__in=[*names.values(), "101"]), country)
        assert book.names_of(numbers) == [names.get(number, "") for number in numbers]
        assert len(names) > 4


def test_a_book_does_not_read_numbers_that_end_like_no_contacts(account: Account) -> None:
    make_contact(account, "030 5550100")
    book = AddressBook(account.contacts.all(), "DE")
    assert book.may_have("0305550100")
    assert not book.may_have("01715550101")
    with CaptureQueriesContext(connection) as captured:
        assert book.names_of(["01715550101", "+49305550101"]) == ["", ""]
    assert len(captured) == 0


def test_a_number_is_one_contact_of_an_account(account: Account) -> None:
    make_contact(account, "030 5550100")
    make_contact(make_account(country="DE"), "030 5550100")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_contact(account, "+49305550100")


def test_a_file_adds_and_changes(account: Account) -> None:
    make_contact(account, "030 5550100", name="Old name")
    taken = take_contacts(account, FILE.encode(), None)
    assert (taken.added, taken.changed) == (1, 1)
    assert rows(account) == [("101", "Front desk", ""), ("49305550100", "Erika Muster", "Muster AG")]
    assert AuditEntry.objects.get(action="import_contacts").detail == {"added": 1, "changed": 1}


def test_a_file_taken_twice_changes_nothing(account: Account) -> None:
    take_contacts(account, FILE.encode(), None)
    before = rows(account)
    assert take_contacts(account, FILE.encode(), None).added == 0
    assert rows(account) == before


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffName;Number\r\nErika;101\r\n",
        "NAME\tNUMBER\tother\nErika\t101\tx\n",
        'number,name\n"101","Erika"\n\n',
        "number,name\n101, Erika ",
    ],
)
def test_files_of_spreadsheets_are_read(account: Account, text: str) -> None:
    take_contacts(account, text.encode(), None)
    assert rows(account) == [("101", "Erika", "")]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", 1, "no number and no name"),
        (b"phone,name\n1,x\n", 1, "no number"),
        (b"number,name\n101,Ada\nnone,Ben\n", 3, "needs a digit"),
        (b"number,name\n101,\n", 2, "name:"),
        (b"number,name\n101," + b"x" * 129 + b"\n", 2, "128"),
        (b"number,name\n030 5550100,Ada\n+49305550100,Ben\n", 3, "the number of line 2"),
        (b"number,name\n101,\xff\n", 2, "not UTF-8"),
        (b'number,name\n101,"Ada\n', 2, "not CSV"),
        (b'number,name\n101,"A\nda"\n', 3, "one line"),
        (b"n" * (LARGEST_FILE + 1), 0, "8 MB"),
        (b"number,name\n" + b"1,x\n" * 20_002, 0, "20,000"),
    ],
    ids=range(11),
)
def test_a_wrong_line_is_named_and_nothing_is_taken(
    account: Account, content: bytes, line: int, words: str
) -> None:
    with pytest.raises(BadFile) as bad:
        take_contacts(account, content, None)
    found = bad.value.problems
    assert words in found[line]
    assert rows(account) == []


def test_the_command_takes_a_file_and_says_what_is_wrong(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text(FILE, encoding="utf-8")
    call_command("import_contacts", "Acme", str(file))
    assert capsys.readouterr().out.strip() == "2 added, 0 changed"
    file.write_text("number,name\nx,y\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"line 2: .*digit"):
        call_command("import_contacts", "Acme", str(file))
