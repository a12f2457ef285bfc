from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from accounts.keys import find_key
from accounts.models import Account, ApiKey, Role, Switch, User
from tests.factories import make_account, make_team

pytestmark = pytest.mark.django_db


def run(command: str, *words: str) -> Any:
    out = io.StringIO()
    call_command(command, *words, stdout=out)
    return json.loads(out.getvalue())


def test_create_account_prints_its_id() -> None:
    parent = run("create_account", "Reseller")
    words = [
        "--realm",
        "Acme.Example",
        "--time-zone",
        "Europe/Berlin",
        "--country",
        "de",
        "--account-code",
        "a1",
    ]
    answer = run("create_account", "Acme", *words, "--parent", parent["id"])
    account = Account.objects.get(name="Acme")
    assert answer == {"id": account.pk.hex}
    assert (account.realm, account.time_zone, account.country) == ("acme.example", "Europe/Berlin", "DE")
    assert account.account_code == "a1"
    assert account.tree_path == f"/{parent['id']}/{account.pk.hex}/"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Acme"], "name"),
        (["B", "--realm", "acme.example"], "realm"),
        (["B", "--time-zone", "Mars/Base"], "Mars/Base"),
        (["B", "--time-zone", "/etc/passwd"], "time zone"),
        (["B", "--country", "XX"], "XX"),
        (["B", "--parent", "nobody"], "nobody"),
        (["x" * 129], "128"),
        ([""], "name"),
    ],
)
def test_create_account_says_what_is_wrong(words: list[str], said: str) -> None:
    make_account("Acme", realm="acme.example")
    with pytest.raises(CommandError, match=said) as caught:
        run("create_account", *words)
    assert caught.value.returncode == 1
    assert Account.objects.count() == 1


def test_create_switch_takes_several_values_after_or_by_repeating_an_option() -> None:
    account = make_account("Acme")
    words = "--offnet-profile blueivr external --offnet-profile trunk --offnet-context public blueivr"
    paths = ["--path", "/var/rec/=/mnt/rec", "/var/mp3=/mnt/mp3"]
    connection = [
        "--host",
        "192.0.2.1",
        "--port",
        "8022",
        "--password",
        "secret",
        "--time-zone",
        "Asia/Seoul",
    ]
    answer = run("create_switch", "pbx", *words.split(), *paths, *connection, "--account", "Acme")
    switch = Switch.objects.get()
    assert answer == {"id": switch.pk.hex}
    assert switch.account == account
    assert switch.offnet_profiles == ["blueivr", "external", "trunk"]
    assert switch.offnet_contexts == ["public", "blueivr"]
    assert switch.path_mapping == {"/var/rec": "/mnt/rec", "/var/mp3": "/mnt/mp3"}
    assert (switch.host, switch.port, switch.password) == ("192.0.2.1", 8022, "secret")
    assert (switch.kind, switch.time_zone) == ("freeswitch", "Asia/Seoul")


def test_a_folder_of_ours_can_be_named_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run("create_switch", "pbx", "--path", "/var/rec=audio")
    assert Switch.objects.get().path_mapping == {"/var/rec": str(tmp_path / "audio")}


@pytest.mark.parametrize(
    "words",
    [
        ["pbx"],
        ["b", "--path", "/var/rec"],
        ["b", "--path", "=/mnt"],
        ["b", "--path", "/var="],
        ["b", "--path", "rec=/mnt"],
        ["b", "--path", "/var/../etc=/mnt"],
        ["b", "--time-zone", "Nowhere"],
        ["b", "--port", "0"],
        ["b", "--port", "65536"],
        ["b", "--port", "x"],
        ["b", "--kind", "avaya"],
        ["b", "--account", "nobody"],
    ],
)
def test_create_switch_says_what_is_wrong(words: list[str]) -> None:
    run("create_switch", "pbx")
    with pytest.raises(CommandError):
        run("create_switch", *words)
    assert Switch.objects.count() == 1


@pytest.mark.parametrize("by", ["name", "id"])
def test_create_api_key_prints_a_key_that_works(by: str) -> None:
    account = make_account("Acme")
    answer = run("create_api_key", "Acme" if by == "name" else account.pk.hex, "--role", "supervisor")
    key = find_key(answer["key"])
    assert key
    assert answer["id"] == key.pk.hex
    assert (key.account, key.role) == (account, Role.SUPERVISOR)


@pytest.mark.parametrize("words", [["nobody"], [""], ["Acme", "--role", "operator"], ["Acme", "--role", "x"]])
def test_create_api_key_says_what_is_wrong(words: list[str]) -> None:
    make_account("Acme")
    with pytest.raises(CommandError):
        run("create_api_key", *words)
    assert not ApiKey.objects.exists()


def test_create_user_makes_a_person_who_signs_in() -> None:
    account = make_account("Acme")
    make_team(account, "Sales")
    words = ["--account", "Acme", "--role", "supervisor", "--password", "seven wise owls", "--team", "Sales"]
    answer = run("create_user", "Ada@acme.example", *words)
    user = authenticate(None, username="ada@acme.example", password="seven wise owls")
    assert isinstance(user, User)
    assert answer == {"id": user.pk.hex}
    assert (user.username, user.role, user.account) == ("Ada", Role.SUPERVISOR, account)
    assert [team.name for team in user.teams.all()] == ["Sales"]


def test_create_user_makes_an_operator_without_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCPORTAL_PASSWORD", "seven wise owls")
    run("create_user", "root@example.org", "--role", "operator")
    assert User.objects.get().account is None


@pytest.mark.parametrize(
    "words",
    [
        ["ada@acme.example", "--account", "Acme"],
        ["not an address", "--account", "Acme"],
        ["b@acme.example"],
        ["b@acme.example", "--account", "Nobody"],
        ["b@acme.example", "--account", "Acme", "--role", "operator"],
        ["b@acme.example", "--account", "Acme", "--password", "12345"],
        ["b@acme.example", "--account", "Acme", "--team", "Nobody's"],
        ["b@acme.example", "--account", "Acme", "--username", "ada"],
    ],
)
def test_create_user_says_what_is_wrong(words: list[str]) -> None:
    make_account("Acme")
    good = ["--password", "seven wise owls"]
    run("create_user", "ada@acme.example", "--account", "Acme", *good)
    with pytest.raises(CommandError):
        run("create_user", *good, *words)
    assert User.objects.count() == 1
