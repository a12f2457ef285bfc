"""Every route of the API, by every verb and role, from an account above, below, beside and elsewhere."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.keys import issue_key, issue_token
from accounts.models import Account, Role, User
from tests import factories as make
from tests.test_tenancy import ITEMS, MARK, ROUTES, Item, Tenant, body_of, make_tenant, snapshot, url

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BODY = '{"data": {}}'
API_ITEMS = [path for path in ITEMS if path.startswith("v2/")]
ROLES = [role.value for role in Role if role != Role.OPERATOR]
RELATIONS = ["above", "beside", "stranger"]


def foreigner(relation: str, tenant: Tenant) -> Account:
    """An account to which the tenant stands so: it must not be reached from there."""
    parent = {"above": tenant.account, "beside": tenant.account.parent, "stranger": None}[relation]
    return make.make_account(f"Foreign {relation}", parent=parent)


@pytest.fixture
def tenant(db: None) -> Tenant:
    return make_tenant(f"{MARK} Ltd", parent=make.make_account("Reseller"))


def program_of(person: User) -> Client:
    return Client(headers={"X-Auth-Token": issue_token(user=person)})


def program_with_key(account: Account) -> Client:
    key, _ = issue_key(account)
    return Client(headers={"X-Auth-Token": issue_token(api_key=key)})


def ids_of(path: str, tenant: Tenant) -> list[uuid.UUID]:
    route = ROUTES[path]
    assert isinstance(route, Item)
    return [tenant.rows[model].pk for model in route.models]


def ask(client: Client, verb: str, path: str, ids: list[Any]) -> Any:
    return client.generic(verb, url(path, *ids), BODY, content_type="application/json")


@pytest.mark.slow
@pytest.mark.parametrize("relation", RELATIONS)
def test_no_verb_reaches_up_or_sideways(tenant: Tenant, relation: str) -> None:
    foreign = foreigner(relation, tenant)
    clients = [program_of(make.make_user(foreign, role)) for role in ROLES] + [program_with_key(foreign)]
    before = snapshot()
    for path in API_ITEMS:
        for verb in VERBS:
            for client in clients:
                answer = ask(client, verb, path, ids_of(path, tenant))
                assert answer.status_code in (404, 405), (verb, path)
                assert answer.status_code == 404 or verb != "GET", path
                assert MARK not in body_of(answer), (verb, path)
    assert snapshot() == before


@pytest.mark.slow
@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.REVIEWER, Role.AGENT])
def test_roles_below_an_administrator_configure_nothing(tenant: Tenant, role: str) -> None:
    person = make.make_user(tenant.account, role)
    client = program_of(person)
    before = snapshot()
    for path in API_ITEMS:
        for verb in VERBS:
            answer = ask(client, verb, path, ids_of(path, tenant))
            body_of(answer)
            assert answer.status_code in (200, 400, 401, 403, 404, 405), (verb, path, answer.status_code)
    assert snapshot() == before


@pytest.mark.slow
def test_an_administrator_reaches_the_account_and_those_below_alike(tenant: Tenant) -> None:
    above = tenant.account.parent
    own, reseller = tenant.user, make.make_user(above)
    for path in API_ITEMS:
        codes = [read_code(program_of(person), path, tenant) for person in (own, reseller)]
        route = ROUTES[path]
        assert isinstance(route, Item)
        assert codes == [route.owner] * 2, path


def read_code(client: Client, path: str, tenant: Tenant) -> int:
    answer = ask(client, "GET", path, ids_of(path, tenant))
    body_of(answer)
    return int(answer.status_code)


def test_a_foreign_id_costs_and_answers_what_an_unknown_one_does(tenant: Tenant) -> None:
    stranger = make.make_user(make.make_account("Stranger"))
    client = program_of(stranger)
    for path in API_ITEMS:
        foreign = ids_of(path, tenant)
        unknown = [uuid.uuid4() for _ in foreign]
        asked: list[Any] = [(foreign, unknown)]
        if len(foreign) > 1:
            own = stranger.account_id
            asked.append(([own, *foreign[1:]], [own, *unknown[1:]]))
        for ids in asked:
            (theirs, cost), (nobodys, same_cost) = (told(client, path, some) for some in ids)
            assert theirs == nobodys, path
            assert cost == same_cost, path


def told(client: Client, path: str, ids: Any) -> tuple[Any, list[str]]:
    """The answer without what is new in each, and the statements it took, without their values."""
    with CaptureQueriesContext(connection) as captured:
        answer = ask(client, "GET", path, list(ids))
    body = answer.json() if answer.content else {}
    statements = [query["sql"].split(" WHERE ")[0] for query in captured.captured_queries]
    return (answer.status_code, body.get("data"), body.get("message"), body.get("revision")), statements
