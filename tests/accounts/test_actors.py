from __future__ import annotations

from typing import Any

import pytest

from accounts.access import Action, rights_of, roles_given_by
from accounts.actors import actor_for, actor_for_api_key, actor_for_token
from accounts.keys import find_token, issue_key, issue_token
from accounts.models import Account, ApiKey, AuditEntry, Device, Role, Team, User
from accounts.tenancy import TenantModel
from cdr.models import AgentOffer, Call, Leg, QueueVisit
from queues.models import Agent, Queue
from recordings.models import Media, Recording
from tests import factories
from tests.factories import make_account, make_call, make_queue, make_team, make_user

pytestmark = pytest.mark.django_db


def seen(model: type[TenantModel] | type[User], user: User) -> set[Any]:
    manager: Any = model._default_manager
    return set(manager.visible_to(actor_for(user)))


def test_nobody_sees_nothing() -> None:
    make_call(make_account())
    assert not Call.objects.visible_to(None).exists()


def test_an_admin_sees_the_account_and_what_is_below_it() -> None:
    reseller = make_account()
    child = make_account(parent=reseller)
    grandchild = make_account(parent=child)
    sibling = make_account()
    calls = {account: make_call(account) for account in (reseller, child, grandchild, sibling)}
    make_call(None)
    assert seen(Call, make_user(reseller)) == {calls[reseller], calls[child], calls[grandchild]}
    assert seen(Call, make_user(child)) == {calls[child], calls[grandchild]}
    assert seen(Account, make_user(child)) == {child, grandchild}


def test_an_operator_sees_quarantine_too() -> None:
    calls = {make_call(make_account()), make_call(None)}
    assert seen(Call, factories.make_operator()) == calls


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.REVIEWER])
def test_who_leads_a_team_sees_its_queues_and_people(role: Role) -> None:
    account = make_account()
    team = make_team(account, queues=[make_queue(account, "3000@default")])
    leader = make_user(account, role, teams=[team])
    member = make_user(account, Role.AGENT, teams=[team], agent_name="1001")
    known_by_agent = make_user(account, Role.AGENT, teams=[team])
    factories.make_agent(account, "1005", user=known_by_agent)
    visible = {
        make_call(account, queue_name="3000@default"),
        make_call(account, agent_name="1001"),
        make_call(account, agent_name="1005"),
        make_call(account, user=member),
        make_call(account, user=leader),
    }
    stranger = make_user(account, Role.AGENT, agent_name="1002")
    make_call(account)
    make_call(account, queue_name="3001@default", agent_name="1002", user=stranger)
    make_call(make_account(), queue_name="3000@default", agent_name="1001")
    assert seen(Call, leader) == visible
    assert seen(User, leader) == {leader, member, known_by_agent}


def test_who_leads_no_team_sees_only_own_calls() -> None:
    account = make_account()
    make_queue(account, "3000@default")
    leader = make_user(account, Role.SUPERVISOR)
    make_call(account, queue_name="3000@default")
    own = make_call(account, user=leader)
    assert seen(Call, leader) == {own}


def test_an_agent_sees_own_calls_and_not_the_teams() -> None:
    account = make_account()
    team = make_team(account, queues=[make_queue(account, "3000@default")])
    agent = make_user(account, Role.AGENT, teams=[team], agent_name="1001")
    make_user(account, Role.AGENT, teams=[team], agent_name="1002")
    own = {
        make_call(account, queue_name="3000@default", agent_name="1001"),
        make_call(account, user=agent),
    }
    make_call(account, queue_name="3000@default", agent_name="1002")
    make_call(make_account(), agent_name="1001")
    assert seen(Call, agent) == own
    assert seen(User, agent) == {agent}


def test_a_team_of_another_account_widens_nothing() -> None:
    account, other = make_account(), make_account()
    team = make_team(other, queues=[make_queue(other, "3000@default")])
    leader = make_user(account, Role.SUPERVISOR, teams=[team])
    make_call(account, queue_name="3000@default")
    assert seen(Call, leader) == set()


def test_what_hangs_from_a_call_is_seen_with_it() -> None:
    account = make_account()
    agent = make_user(account, Role.AGENT, agent_name="1001")
    for name in ("1001", "1002"):
        call = make_call(account, agent_name=name)
        factories.make_leg(call)
        factories.make_offer(factories.make_visit(call, agent_name=name), name)
        factories.make_media(factories.make_recording(call))
    parts = (Leg, QueueVisit, AgentOffer, Recording, Media)
    assert [len(seen(model, agent)) for model in parts] == [1] * 5


def test_keys_audit_and_settings_are_not_for_a_teams_people() -> None:
    account = make_account()
    issue_key(account)
    AuditEntry.objects.create(account=account, actor="x", action="play")
    factories.make_switch(account)
    people = [make_user(account, role) for role in (Role.SUPERVISOR, Role.REVIEWER, Role.AGENT)]
    for user in people:
        assert not any(seen(model, user) for model in (ApiKey, AuditEntry, Device, Team, Queue, Agent))


def test_a_disabled_person_is_no_actor() -> None:
    assert actor_for(make_user(make_account(), is_active=False)) is None
    assert actor_for(make_user(make_account(enabled=False))) is None


def test_a_key_reaches_what_its_accounts_admin_reaches() -> None:
    reseller = make_account()
    child = make_account(parent=reseller)
    key, _ = issue_key(reseller)
    actor = actor_for_api_key(key)
    assert actor
    assert actor.account_ids == {reseller.pk, child.pk}
    assert actor.user_id is None


def test_the_team_of_a_reviewers_key_is_everyone_in_the_account() -> None:
    account = make_account()
    make_queue(account, "3000@default")
    make_user(account, Role.AGENT, agent_name="1001")
    factories.make_agent(account, "1005")
    visible = {
        make_call(account, queue_name="3000@default"),
        make_call(account, agent_name="1001"),
        make_call(account, agent_name="1005"),
    }
    make_call(make_account(parent=account), queue_name="3000@default")
    key, _ = issue_key(account, Role.REVIEWER)
    actor = actor_for_api_key(key)
    assert set(Call.objects.visible_to(actor)) == visible
    assert actor
    assert not actor.may(Action.DELETE)


def test_a_token_is_who_it_was_given_to() -> None:
    account = make_account()
    user = make_user(account)
    key, _ = issue_key(account)
    of_user, of_key = find_token(issue_token(user=user)), find_token(issue_token(api_key=key))
    assert of_user
    assert of_key
    assert actor_for_token(of_user, "192.0.2.1") == actor_for(user, "192.0.2.1")
    assert actor_for_token(of_key) == actor_for_api_key(key)


def test_what_an_account_allows_adds_to_a_role() -> None:
    closed, open_ = make_account(), make_account(agents_may_listen=True, reviewers_may_download=True)
    assert rights_of(Role.REVIEWER, open_) - rights_of(Role.REVIEWER, closed) == {Action.DOWNLOAD}
    assert rights_of(Role.AGENT, open_) - rights_of(Role.AGENT, closed) == {Action.PLAY}
    assert rights_of(Role.SUPERVISOR, open_) == rights_of(Role.SUPERVISOR, closed)


def test_only_operators_operate() -> None:
    account = make_account()
    assert {role for role in Role if Action.OPERATE in rights_of(role, account)} == {Role.OPERATOR}
    assert {role for role in Role if Action.DELETE in rights_of(role, account)} == {Role.OPERATOR, Role.ADMIN}


def test_nobody_gives_a_role_above_the_own() -> None:
    assert Role.OPERATOR not in roles_given_by(Role.ADMIN)
    assert Role.ADMIN in roles_given_by(Role.ADMIN)
    assert set(roles_given_by(Role.OPERATOR)) == set(Role)
    assert roles_given_by(Role.SUPERVISOR) == []
