from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from accounts.actors import actor_for
from accounts.models import Account, AuditEntry, Role, User
from cdr.assign import assign
from cdr.models import Call
from queues.models import Agent, Queue
from tests import factories
from tests.factories import make_account, make_call, make_operator, make_user

pytestmark = pytest.mark.django_db
LIST = "admin:cdr_call_changelist"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def whole_call(account: Account | None) -> tuple[Call, list[Any]]:
    """A call with one of everything that hangs from it."""
    call = make_call(account)
    visit = factories.make_visit(call)
    parts = [factories.make_leg(call), visit, factories.make_offer(visit), factories.make_recording(call)]
    return call, parts


def listed(client: Client, **query: str) -> set[Call]:
    return set(client.get(reverse(LIST), query).context["cl"].result_list)


def test_an_operator_sees_quarantine_until_an_account_is_chosen() -> None:
    account = make_account()
    call, lost = make_call(account), make_call(None)
    client = signed_in(make_operator())
    assert listed(client) == {lost}
    assert listed(client, account__id__exact=str(account.pk)) == {call}


def test_a_reseller_sees_the_own_account_until_another_is_chosen() -> None:
    reseller = make_account()
    child = make_account(parent=reseller)
    own, childs = make_call(reseller), make_call(child)
    make_call(None)
    client = signed_in(make_user(reseller))
    assert listed(client) == {own}
    assert listed(client, account__id__exact=str(child.pk)) == {childs}


def test_an_operator_assigns_calls_with_all_that_hangs_from_them() -> None:
    account, operator = make_account(), make_operator()
    call, parts = whole_call(None)
    other = make_call(None)
    client = signed_in(operator)
    action = {"action": "assign_to_account", "_selected_action": [str(call.pk)]}
    page = client.post(reverse(LIST), action)
    assert "Whose 1 call is this?" in " ".join(page.content.decode().split())
    done = client.post(reverse(LIST), action | {"assign": "1", "account": str(account.pk)})
    assert done.status_code == 302
    for row in (call, *parts):
        row.refresh_from_db()
        assert row.account == account
    other.refresh_from_db()
    assert (call.assigned, other.account, other.assigned) == (True, None, False)
    entry = AuditEntry.objects.get(action="assign")
    assert (entry.object_id, entry.user, entry.detail) == (call.pk.hex, operator, {"account": account.pk.hex})


def test_an_account_must_be_chosen() -> None:
    call = make_call(None)
    action = {"action": "assign_to_account", "_selected_action": [str(call.pk)], "assign": "1"}
    client = signed_in(make_operator())
    for account in ("", "x", "0" * 32):
        assert client.post(reverse(LIST), action | {"account": account}).status_code == 200
    call.refresh_from_db()
    assert call.account is None


def test_the_whole_quarantine_can_be_assigned() -> None:
    account = make_account()
    calls = [make_call(None) for _ in range(60)]
    everything = {
        "action": "assign_to_account",
        "_selected_action": [str(calls[0].pk)],
        "select_across": "1",
        "assign": "1",
        "account": str(account.pk),
    }
    signed_in(make_operator()).post(reverse(LIST), everything)
    assert Call.objects.filter(account=account, assigned=True).count() == 60


def test_a_tenant_cannot_assign() -> None:
    account = make_account()
    admin = make_user(account)
    own, lost = make_call(account), make_call(None)
    form = {"action": "assign_to_account", "assign": "1", "account": str(account.pk)}
    client = signed_in(admin)
    client.post(reverse(LIST), form | {"_selected_action": [str(lost.pk), str(own.pk)]})
    assert "assign_to_account" not in client.get(reverse(LIST)).content.decode()
    assert not Call.objects.filter(assigned=True).exists()
    for actor in (actor_for(admin), None):
        with pytest.raises(PermissionDenied):
            assign([lost.pk], account, actor)


def test_who_a_call_was_thought_to_be_of_is_taken_off_when_it_moves() -> None:
    wrong, right = make_account(), make_account()
    person = make_user(wrong, Role.AGENT)
    device = factories.make_device(wrong, owner=person)
    call = make_call(wrong, user=person, device=device)
    leg = factories.make_leg(call, user=person, device=device)
    assert assign([call.pk], right, actor_for(make_operator())) == 1
    for row in (call, leg):
        row.refresh_from_db()
        assert (row.account, row.user, row.device) == (right, None, None)


def test_a_call_that_is_right_already_keeps_its_people() -> None:
    account = make_account()
    person = make_user(account, Role.AGENT)
    call = make_call(account, user=person)
    operator = actor_for(make_operator())
    assert [assign([call.pk], account, operator) for _ in range(2)] == [1, 0]
    call.refresh_from_db()
    assert (call.user, call.assigned) == (person, True)
    assert AuditEntry.objects.count() == 1


def test_queues_and_agents_of_assigned_calls_are_entered() -> None:
    account = make_account()
    factories.make_queue(account, "3000@default")
    call = make_call(None)
    visit = factories.make_visit(call, "3000@default", agent_name="1001")
    factories.make_offer(visit, "1002")
    assign([call.pk], account, actor_for(make_operator()))
    assert [queue.name for queue in Queue.objects.filter(account=account)] == ["3000@default"]
    assert {agent.name for agent in Agent.objects.filter(account=account)} == {"1001", "1002"}
