"""Signing in by two steps: setting it up, codes that count once, guesses that are slowed, ways around it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import Client

from accounts.models import Account, AuditEntry, Authenticator, RecoveryCode, Role, SignInFailure, User
from accounts.second_step import confirm, has_second_step, take_code
from tests import factories
from tests.portal.codes import code_of, set_up, wrong_code
from tests.portal.conftest import SignIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(account: Account) -> User:
    return factories.make_user(account, Role.ADMIN)


def give_password(client: Client, user: User, **more: str) -> Any:
    return client.post("/sign-in/", {"email": user.email, "password": factories.PASSWORD} | more)


def give_code(client: Client, code: str) -> Any:
    return client.post("/sign-in/code/", {"code": code})


def is_in(client: Client) -> bool:
    return bool(client.get("/calls/").status_code == 200)


def test_the_password_alone_lets_nobody_in(client: Client, person: User) -> None:
    set_up(person)
    assert give_password(client, person).headers["Location"] == "/sign-in/code/"
    assert not is_in(client)
    assert client.get(f"/v2/accounts/{Account.objects.get().pk.hex}").status_code == 401
    assert client.get("/admin/").status_code == 302


def test_password_and_code_lead_to_where_the_person_wanted(client: Client, person: User) -> None:
    set_up(person)
    give_password(client, person, next="/calls/?q=1", stay="on")
    answer = give_code(client, code_of(person))
    assert answer.headers["Location"] == "/calls/?q=1"
    assert client.cookies["sessionid"]["max-age"] == 12 * 3600
    assert is_in(client)


def test_a_code_counts_once(client: Client, person: User) -> None:
    set_up(person)
    code = code_of(person)
    give_password(client, person)
    assert give_code(client, f" {code[:3]} {code[3:]} ").status_code == 302
    other = Client()
    give_password(other, person)
    assert give_code(other, code).status_code == 400
    assert not is_in(other)


def test_codes_of_before_the_last_one_do_not_count_either(person: User) -> None:
    set_up(person)
    assert take_code(person, code_of(person, 1)) == "app"
    assert take_code(person, code_of(person, 0)) == ""
    assert take_code(person, code_of(person, 5)) == ""


def test_a_recovery_code_counts_once_and_is_on_record(client: Client, person: User) -> None:
    codes = set_up(person)
    assert len(set(codes)) == 10
    assert not RecoveryCode.objects.filter(code_hash__in=codes).exists()
    give_password(client, person)
    assert give_code(client, codes[0].upper().replace("-", " ")).status_code == 302
    assert AuditEntry.objects.get(action="sign_in.recovery_code").user == person
    other = Client()
    give_password(other, person)
    assert give_code(other, codes[0]).status_code == 400


def test_guessing_codes_is_paused(client: Client, person: User) -> None:
    set_up(person)
    give_password(client, person)
    wrong = wrong_code(person)
    assert [give_code(client, wrong).status_code for _ in range(6)] == [400] * 5 + [429]
    answer = give_code(client, code_of(person))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert not is_in(client)


def test_patient_guessing_is_paused_for_longer(client: Client, person: User) -> None:
    set_up(person)
    give_password(client, person)
    for _ in range(4):
        for _ in range(5):
            assert give_code(client, wrong_code(person)).status_code == 400
        SignInFailure.objects.update(at=F("at") - timedelta(minutes=2))
    answer = give_code(client, code_of(person))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 2000


def test_the_right_password_does_not_forgive_wrong_codes(client: Client, person: User) -> None:
    set_up(person)
    for _ in range(5):
        give_password(client, person)
        give_code(client, wrong_code(person))
    give_password(client, person)
    assert give_code(client, code_of(person)).status_code == 429


def test_the_way_to_the_code_ends(client: Client, person: User, monkeypatch: Any) -> None:
    set_up(person)
    assert client.get("/sign-in/code/").headers["Location"] == "/sign-in/"
    give_password(client, person)
    person.set_password("another long password")
    person.save()
    assert give_code(client, code_of(person)).headers["Location"] == "/sign-in/"
    assert not is_in(client)


def test_who_was_disabled_meanwhile_does_not_get_in(client: Client, person: User) -> None:
    set_up(person)
    give_password(client, person)
    User.objects.update(is_active=False)
    assert give_code(client, code_of(person)).headers["Location"] == "/sign-in/"


def test_it_is_set_up_with_a_code_and_recovery_codes_are_shown_once(person: User, sign_in: SignIn) -> None:
    client = sign_in(person)
    page = client.get("/me/two-step/").content.decode()
    key = Authenticator.objects.get().typed_key
    assert key in page.replace(" ", "")
    picture = client.get("/me/two-step/qr")
    assert (picture.headers["Content-Type"], picture.content[:4]) == ("image/svg+xml", b"<svg")
    assert picture.headers["Cache-Control"] == "private, no-store"
    assert client.post("/me/two-step/", {"code": wrong_code(person)}).status_code == 400
    assert not has_second_step(person)
    page = client.post("/me/two-step/", {"code": code_of(person)}).content.decode()
    assert has_second_step(person)
    assert page.count("<li>") >= 10
    after = client.get("/me/two-step/")
    assert key not in after.content.decode().replace(" ", "")
    assert client.get("/me/two-step/qr").status_code == 404
    assert AuditEntry.objects.get().action == "second_step.set_up"


def test_a_confirmed_one_is_not_taken_over_by_another_code(person: User) -> None:
    set_up(person)
    assert confirm(Authenticator.objects.get(), code_of(person, 1)) == []


def test_giving_it_up_needs_password_and_code(person: User, sign_in: SignIn) -> None:
    set_up(person)
    client = sign_in(person)
    right = {"password": factories.PASSWORD, "code": code_of(person)}
    for wrong in ({"password": "no"}, {"code": wrong_code(person)}):
        assert client.post("/me/two-step/off", right | wrong).status_code == 400
        assert has_second_step(person)
    client.post("/me/two-step/off", right)
    assert not has_second_step(person)
    assert not RecoveryCode.objects.exists()


def test_new_recovery_codes_take_the_place_of_the_old(person: User, sign_in: SignIn) -> None:
    old = set_up(person)
    answer = sign_in(person).post(
        "/me/two-step/codes", {"password": factories.PASSWORD, "code": code_of(person)}
    )
    assert answer.status_code == 200
    assert RecoveryCode.objects.count() == 10
    assert take_code(person, old[0]) == ""


@pytest.mark.parametrize(
    ("wanted", "role", "led"),
    [
        ("", Role.ADMIN, False),
        ("admins", Role.ADMIN, True),
        ("admins", Role.AGENT, False),
        ("everyone", Role.AGENT, True),
    ],
)
def test_who_has_to_is_led_to_set_it_up(
    client: Client, account: Account, wanted: str, role: Role, led: bool
) -> None:
    Account.objects.update(second_step=wanted)
    user = factories.make_user(account, role)
    where = give_password(client, user).headers["Location"]
    assert (where == "/me/two-step/") == led
    assert is_in(client) != led


def test_before_it_is_set_up_nothing_else_is_open(client: Client, account: Account, person: User) -> None:
    Account.objects.update(second_step="everyone")
    give_password(client, person)
    for place in ("/calls/", "/me/", "/admin/", "/settings/"):
        assert client.get(place).headers["Location"] == "/me/two-step/", place
    assert client.get(f"/v2/accounts/{account.pk.hex}").status_code == 403
    assert client.get(f"/queues/live?account={account.pk.hex}").status_code == 401
    client.get("/me/two-step/")
    client.post("/me/two-step/", {"code": code_of(person)})
    assert is_in(client)


def test_operators_may_have_to_as_well(client: Client, settings: Any) -> None:
    settings.CCPORTAL_OPERATORS_TWO_STEP = True
    operator = factories.make_operator()
    assert give_password(client, operator).headers["Location"] == "/me/two-step/"


def test_the_admin_has_no_way_in_of_its_own(client: Client, person: User) -> None:
    set_up(person)
    form = {"username": person.email, "password": factories.PASSWORD}
    assert client.post("/admin/login/?next=/admin/", form).headers["Location"] == "/sign-in/?next=%2Fadmin%2F"
    assert client.get("/admin/").status_code == 302
    give_password(client, person, next="/admin/")
    assert give_code(client, code_of(person)).headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def act(client: Client, action: str, person: User) -> None:
    client.post("/admin/accounts/user/", {"action": action, "_selected_action": [person.pk]})


def test_an_administrator_resets_it_for_who_lost_everything(
    account: Account, person: User, sign_in: SignIn
) -> None:
    lost = factories.make_user(account, Role.AGENT)
    set_up(lost)
    act(sign_in(person), "reset_second_step", lost)
    assert not has_second_step(lost)
    entry = AuditEntry.objects.get(action="second_step.reset")
    assert (entry.object_id, entry.actor) == (lost.pk.hex, person.email)


def test_nobody_resets_it_for_who_stands_above_or_elsewhere(person: User, sign_in: SignIn) -> None:
    others = [factories.make_operator(), factories.make_user(factories.make_account())]
    for other in others:
        set_up(other)
        act(sign_in(person), "reset_second_step", other)
        assert has_second_step(other)


def test_the_only_operator_is_helped_by_a_command(capsys: Any) -> None:
    operator = factories.make_operator()
    set_up(operator)
    call_command("reset_second_step", operator.email.upper())
    assert not has_second_step(operator)
    assert AuditEntry.objects.get().action == "second_step.reset"
    for email in (operator.email, "nobody@example.com"):
        with pytest.raises(CommandError):
            call_command("reset_second_step", email)
