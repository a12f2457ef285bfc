from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Role, Switch
from accounts.routing import ROUTING_VARIABLES, LegFacts, Route, Router, number_forms
from tests.factories import make_account, make_device, make_phone_number, make_switch, make_user

pytestmark = pytest.mark.django_db
CAPTURED = Path(__file__).parent.parent / "data" / "freeswitch"


def captured_legs(scenario: str) -> Iterator[LegFacts]:
    """The legs of a captured call as the switch described them when it created them."""
    with gzip.open(CAPTURED / f"{scenario}.jsonl.gz", "rt", encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines]
    for event in events:
        if event.get("Event-Name") == "CHANNEL_CREATE":
            variables = {name: event.get(f"variable_{name}", "") for name in ROUTING_VARIABLES}
            yield LegFacts(
                uuid=event["Unique-ID"],
                direction=event["Call-Direction"],
                variables={name: value for name, value in variables.items() if value},
                destination=event.get("Caller-Destination-Number", ""),
                caller_number=event.get("Caller-Caller-ID-Number", ""),
            )


def phone_leg(realm: str = "acme.example", user: str = "1001", **variables: str) -> LegFacts:
    signs = {"sip_authorized": "true", "sip_auth_realm": realm, "sip_auth_username": user}
    return LegFacts("a", "inbound", signs | variables, destination="2000")


def carrier_leg(number: str, **variables: str) -> LegFacts:
    return LegFacts("a", "inbound", {"sip_req_user": number} | variables, destination=number)


def called_phone(realm: str = "acme.example", user: str = "1001") -> LegFacts:
    return LegFacts("b", "outbound", {"dialed_user": user, "dialed_domain": realm}, destination=user)


def route(leg: LegFacts, switch: Switch | None = None) -> Route:
    return Router.load(switch or make_switch(), [leg]).route(leg)


def test_a_captured_inbound_call_belongs_to_the_owner_of_its_number() -> None:
    account = make_account(country="KR")
    make_phone_number(account, "07070071001")
    first, *_ = legs = list(captured_legs("attended_transfer"))
    router = Router.load(make_switch(), legs)
    assert router.route(first) == Route(account.pk, because="number")


def test_captured_phones_belong_to_the_account_of_their_realm() -> None:
    account = make_account(realm="127.0.0.1")
    owner = make_user(account, Role.AGENT)
    phones = {name: make_device(account, name, owner=owner) for name in ("1001", "1002")}
    legs = list(captured_legs("onnet_onnet_recorded"))
    router = Router.load(make_switch(), legs)
    routes = [router.route(leg) for leg in legs]
    assert routes == [
        Route(account.pk, owner.pk, phones["1001"].pk, "realm"),
        Route(account.pk, owner.pk, phones["1002"].pk, "realm"),
    ]


def test_a_captured_call_to_a_carrier_is_no_sign_of_who_owns_the_number_called() -> None:
    make_phone_number(make_account(), "01058400999")
    legs = list(captured_legs("onnet_offnet"))
    router = Router.load(make_switch(), legs)
    assert [router.route(leg).account_id for leg in legs] == [None] * len(legs)


@pytest.mark.parametrize("scenario", ["queue_answered", "queue_loopback", "conference_rec", "fail_busy"])
def test_every_captured_leg_belongs_to_the_account_a_switch_serves(scenario: str) -> None:
    account = make_account()
    legs = list(captured_legs(scenario))
    router = Router.load(make_switch(account), legs)
    assert {router.route(leg).account_id for leg in legs} == {account.pk}


def test_a_leg_that_says_nothing_is_quarantined() -> None:
    make_account()
    assert route(LegFacts("a", "inbound", {})) == Route()


def test_the_facts_count_in_their_order() -> None:
    named, code, realm, number = (
        make_account(**fields)
        for fields in (
            {},
            {"account_code": "c-1"},
            {"realm": "acme.example"},
            {},
        )
    )
    make_phone_number(number, "2000")
    signs = {"ccportal_account": named.pk.hex, "domain_name": "acme.example", "accountcode": "c-1"}
    expected = [(named, "ccportal_account"), (realm, "realm"), (code, "account code"), (number, "number")]
    for account, because in expected:
        assert route(carrier_leg("2000", **signs)) == Route(account.pk, because=because)
        signs.pop(next(iter(signs)), None) if signs else None


@pytest.mark.parametrize("word", ["id", "dashed", "code"])
def test_the_dialplan_can_name_the_account(word: str) -> None:
    account = make_account(account_code="acme")
    value = {"id": account.pk.hex, "dashed": str(account.pk), "code": "acme"}[word]
    assert route(carrier_leg("1", ccportal_account=value)).account_id == account.pk


@pytest.mark.parametrize("word", ["nobody", "0" * 32, "", "x\x00y", "\udcff", "a" * 5000, "{" * 32])
def test_a_name_that_leads_nowhere_is_passed_over(word: str) -> None:
    account = make_account()
    make_phone_number(account, "3000")
    leg = carrier_leg("3000", ccportal_account=word, accountcode=word, domain_name=word)
    assert route(leg) == Route(account.pk, because="number")


def test_a_disabled_account_gets_no_calls() -> None:
    make_account(realm="acme.example", enabled=False)
    assert route(phone_leg()) == Route()


def test_a_realm_is_read_in_any_case() -> None:
    account = make_account(realm="Acme.Example")
    assert route(phone_leg("ACME.example")).account_id == account.pk


def test_a_realm_counts_only_from_a_phone_the_switch_authenticated() -> None:
    make_account(realm="acme.example")
    assert route(phone_leg(sip_authorized="false")) == Route()


def test_a_user_name_counts_only_from_a_phone_the_switch_authenticated() -> None:
    account = make_account()
    make_device(account, "1001")
    leg = LegFacts("a", "inbound", {"user_name": "1001", "sip_auth_username": "1001"})
    assert route(leg, make_switch(account)) == Route(account.pk, because="switch")


def test_what_a_phone_of_an_unknown_realm_dials_gives_it_no_account() -> None:
    make_phone_number(make_account(), "2000")
    assert route(phone_leg("unknown.example")) == Route()


def test_a_number_dialled_out_gives_no_account() -> None:
    make_phone_number(make_account(), "2000")
    assert route(LegFacts("b", "outbound", {"sip_to_user": "2000"}, destination="2000")) == Route()


def test_the_phone_a_carrier_call_is_bridged_to_does_not_outweigh_the_number() -> None:
    account = make_account()
    make_phone_number(account, "2000")
    make_account(realm="other.example")
    leg = carrier_leg("2000", dialed_domain="other.example", dialed_user="1001")
    assert route(leg) == Route(account.pk, because="number")


@pytest.mark.parametrize("dialled", ["+49 30 901820", "004930901820", "030901820", "4930901820", "30901820"])
@pytest.mark.parametrize("stored", ["+49 30 901820", "030901820"])
def test_a_number_is_found_however_the_switch_writes_it(stored: str, dialled: str) -> None:
    account = make_account(country="DE")
    make_phone_number(account, stored)
    assert route(carrier_leg(dialled)).account_id == account.pk


def test_a_number_of_another_country_is_another_number() -> None:
    make_account(country="AT")
    make_phone_number(make_account(country="DE"), "+4930901820")
    assert route(carrier_leg("+4330901820")) == Route()


def test_a_number_written_two_ways_by_two_tenants_is_theirs_who_wrote_it_so() -> None:
    inside, outside = make_account(country="DE"), make_account(country="DE")
    make_phone_number(inside, "030901820")
    make_phone_number(outside, "+4930901820")
    assert route(carrier_leg("030901820")).account_id == inside.pk
    assert route(carrier_leg("4930901820")).account_id == outside.pk
    assert route(carrier_leg("004930901820")) == Route()


def test_short_numbers_have_no_other_forms() -> None:
    assert number_forms("3000", "US") == frozenset()
    assert number_forms("2000", "") == frozenset()


def test_a_switch_of_one_account_stays_inside_its_tree() -> None:
    reseller = make_account(realm="reseller.example")
    child = make_account(parent=reseller, realm="child.example")
    stranger = make_account(realm="stranger.example", account_code="s")
    make_phone_number(stranger, "2000")
    switch = make_switch(reseller)
    assert route(phone_leg("child.example"), switch) == Route(child.pk, because="realm")
    own = Route(reseller.pk, because="switch")
    assert route(phone_leg("stranger.example"), switch) == own
    assert route(carrier_leg("2000", accountcode="s", ccportal_account=stranger.pk.hex), switch) == own


def test_a_child_account_is_not_its_resellers_switch() -> None:
    reseller = make_account(realm="reseller.example")
    child = make_account(parent=reseller)
    assert route(phone_leg("reseller.example"), make_switch(child)) == Route(child.pk, because="switch")


def test_a_disabled_owner_of_a_switch_gets_no_calls() -> None:
    assert route(carrier_leg("1"), make_switch(make_account(enabled=False))) == Route()


def test_a_phone_without_a_device_is_its_extensions_person() -> None:
    account = make_account(realm="acme.example")
    user = make_user(account, Role.AGENT, extension="1001")
    make_user(account, Role.AGENT, extension="1001", is_active=False)
    expected = Route(account.pk, user.pk, because="realm")
    assert route(phone_leg()) == expected
    assert route(called_phone()) == expected


def test_an_extension_of_two_people_is_nobodys() -> None:
    account = make_account(realm="acme.example")
    for _ in range(2):
        make_user(account, Role.AGENT, extension="1001")
    assert route(phone_leg()) == Route(account.pk, because="realm")


def test_a_phone_of_the_same_name_in_another_account_is_another() -> None:
    account, other = make_account(realm="acme.example"), make_account(realm="other.example")
    make_device(other, "1001", owner=make_user(other, Role.AGENT, extension="1001"))
    both = [phone_leg(), phone_leg("other.example")]
    assert Router.load(make_switch(), both).route(both[0]) == Route(account.pk, because="realm")


def test_a_number_owned_by_a_person_is_theirs() -> None:
    account = make_account()
    owner = make_user(account, Role.AGENT)
    make_phone_number(account, "2000", owner=owner)
    assert route(carrier_leg("2000")).user_id == owner.pk


def test_a_batch_costs_the_same_queries_whatever_its_size() -> None:
    accounts: list[Account] = [make_account(realm=f"r{index}.example") for index in range(20)]
    for index, account in enumerate(accounts):
        make_device(account, "1001")
        make_phone_number(account, f"+120255501{index:02d}")
    legs = [
        leg
        for index in range(20)
        for leg in (phone_leg(f"r{index}.example"), carrier_leg(f"20255501{index:02d}"))
    ]
    switch = make_switch()
    with CaptureQueriesContext(connection) as queries:
        router = Router.load(switch, legs)
        routes = [router.route(leg) for leg in legs]
    assert [route.account_id for route in routes] == [account.pk for account in accounts for _ in range(2)]
    assert len(queries) == 5
