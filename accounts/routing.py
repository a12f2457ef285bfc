"""Which account, user and device a leg belongs to: what a batch of legs names is read once, then looked up.

Only what the switch itself vouches for decides. A phone's realm counts when the switch authenticated it; a
dialled number only on a leg that came in from outside: what one tenant's phone dials may be another's number.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import phonenumbers
from django.db.models import Q

from accounts.models import Account, Device, PhoneNumber, Switch, User, digits_of

ACCOUNT_VARIABLE = "ccportal_account"
CODE_VARIABLE = "accountcode"
AUTHENTICATED_VARIABLE = "sip_authorized"
AUTHENTICATED_REALM_VARIABLE = "sip_auth_realm"
DOMAIN_VARIABLE = "domain_name"
DIALED_DOMAIN_VARIABLE = "dialed_domain"
DIALED_USER_VARIABLE = "dialed_user"
CALLING_USER_VARIABLES = ("sip_auth_username", "user_name")
DIALED_NUMBER_VARIABLES = ("sip_req_user", "sip_to_user")
ROUTING_VARIABLES = frozenset(
    {
        ACCOUNT_VARIABLE,
        CODE_VARIABLE,
        AUTHENTICATED_VARIABLE,
        AUTHENTICATED_REALM_VARIABLE,
        DOMAIN_VARIABLE,
        DIALED_DOMAIN_VARIABLE,
        DIALED_USER_VARIABLE,
        *CALLING_USER_VARIABLES,
        *DIALED_NUMBER_VARIABLES,
    }
)
LONGEST_NAME = 253
MOST_NUMBER_FORMS_KEPT = 65_536


@dataclass(frozen=True)
class LegFacts:
    """What is known of a leg: ``direction`` is the switch's; texts come from the line."""

    uuid: str
    direction: str
    variables: Mapping[str, str]
    destination: str = ""
    caller_number: str = ""

    @property
    def comes_in(self) -> bool:
        return self.direction == "inbound"

    @cached_property
    def authenticated(self) -> bool:
        return self.comes_in and self.variables.get(AUTHENTICATED_VARIABLE) == "true"

    @cached_property
    def account_word(self) -> str:
        return self.named(ACCOUNT_VARIABLE)

    @cached_property
    def account_code(self) -> str:
        return self.named(CODE_VARIABLE)

    @cached_property
    def realms(self) -> list[str]:
        names = [DOMAIN_VARIABLE] if self.comes_in else [DIALED_DOMAIN_VARIABLE, DOMAIN_VARIABLE]
        if self.authenticated:
            names.insert(0, AUTHENTICATED_REALM_VARIABLE)
        return [realm.lower() for realm in map(self.named, names) if realm]

    @cached_property
    def dialled_digits(self) -> list[str]:
        """The numbers a leg from outside came in on, most telling first."""
        if not self.comes_in or self.authenticated:
            return []
        texts = [self.destination, *map(self.named, DIALED_NUMBER_VARIABLES)]
        return [digits for digits in dict.fromkeys(map(digits_of, texts)) if digits]

    @cached_property
    def phone_names(self) -> list[str]:
        """The SIP user names of the phone this leg leads to, or comes from if the switch knows it."""
        if not self.comes_in:
            names = [self.named(DIALED_USER_VARIABLE)]
        else:
            names = [self.named(name) for name in CALLING_USER_VARIABLES if self.authenticated]
        return [name for name in dict.fromkeys(names) if name]

    def named(self, variable: str) -> str:
        """A variable's value if it can name something, else nothing."""
        value = self.variables.get(variable, "")
        return value if len(value) <= LONGEST_NAME and value.isprintable() else ""


@dataclass(frozen=True)
class Route:
    """Whose a leg is; ``because`` names the fact that said so. Without an account it is quarantined."""

    account_id: uuid.UUID | None = None
    user_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None
    because: str = ""


@dataclass(frozen=True)
class Found:
    """An account a fact led to, and the person a dialled number belongs to."""

    account: Account
    because: str
    user_id: uuid.UUID | None = None


@dataclass
class Router:
    """The rows that a batch of legs on one switch can lead to, in at most five queries."""

    switch_account: Account | None = None
    by_id: dict[str, Account] = field(default_factory=dict)
    by_code: dict[str, Account] = field(default_factory=dict)
    by_realm: dict[str, Account] = field(default_factory=dict)
    numbers: dict[str, PhoneNumber] = field(default_factory=dict)
    countries: list[str] = field(default_factory=list)
    devices: dict[tuple[uuid.UUID, str], Device] = field(default_factory=dict)
    extensions: dict[tuple[uuid.UUID, str], list[uuid.UUID]] = field(default_factory=dict)

    @classmethod
    def load(cls, switch: Switch, needs: Iterable[LegFacts]) -> Router:
        """Read what these legs name; ``route`` knows nothing of other legs."""
        legs = list(needs)
        router = cls()
        router._read_accounts(switch, legs)
        router._read_numbers(legs)
        router._read_phones(legs)
        return router

    def route(self, facts: LegFacts) -> Route:
        """Decide by the first fact that leads to an enabled account which the switch serves."""
        found = next((found for found in self._findings(facts) if self._serves(found.account)), None)
        if found is None:
            return Route()
        device = self._device(found.account, facts)
        user_id = device.owner_id if device and device.owner_id else self._extension(found.account, facts)
        return Route(
            account_id=found.account.pk,
            user_id=user_id or found.user_id,
            device_id=device.pk if device else None,
            because=found.because,
        )

    def _findings(self, facts: LegFacts) -> Iterator[Found]:
        word = facts.account_word
        if account := self.by_id.get(as_hex(word)) or self.by_code.get(word):
            yield Found(account, ACCOUNT_VARIABLE)
        yield from (Found(self.by_realm[realm], "realm") for realm in facts.realms if realm in self.by_realm)
        if account := self.by_code.get(facts.account_code):
            yield Found(account, "account code")
        for number in filter(None, map(self._number, facts.dialled_digits)):
            yield Found(number.account, "number", number.owner_id)
        if self.switch_account:
            yield Found(self.switch_account, "switch")

    def _serves(self, account: Account) -> bool:
        own = self.switch_account
        return account.enabled and (own is None or account.tree_path.startswith(own.tree_path))

    def _number(self, digits: str) -> PhoneNumber | None:
        """The number written just so, else the only one that is the same in its account's country."""
        if digits in self.numbers:
            return self.numbers[digits]
        same = {
            number.pk: number
            for country in self.countries
            for form in number_forms(digits, country)
            if (number := self.numbers.get(form)) and number.account.country.upper() == country
        }
        return next(iter(same.values())) if len(same) == 1 else None

    def _device(self, account: Account, facts: LegFacts) -> Device | None:
        found = (self.devices.get((account.pk, name)) for name in facts.phone_names)
        return next(filter(None, found), None)

    def _extension(self, account: Account, facts: LegFacts) -> uuid.UUID | None:
        found = (self.extensions.get((account.pk, name), []) for name in facts.phone_names)
        return next((users[0] for users in found if len(users) == 1), None)

    def _read_accounts(self, switch: Switch, legs: list[LegFacts]) -> None:
        words = {leg.account_word for leg in legs}
        codes = words | {leg.account_code for leg in legs}
        realms = {realm for leg in legs for realm in leg.realms}
        ids = {uuid.UUID(word) for word in map(as_hex, words) if word}
        named = Q(pk__in=ids | ({switch.account_id} - {None}))
        named |= Q(account_code__in=codes - {""}) | Q(realm__in=realms)
        for account in Account.objects.filter(named):
            self._keep(account)
            if account.pk == switch.account_id:
                self.switch_account = account

    def _keep(self, account: Account) -> None:
        self.by_id[account.pk.hex] = account
        if account.account_code:
            self.by_code[account.account_code] = account
        if account.realm:
            self.by_realm[account.realm.lower()] = account

    def _read_numbers(self, legs: list[LegFacts]) -> None:
        dialled = {digits for leg in legs for digits in leg.dialled_digits}
        if not dialled:
            return
        countries = Account.objects.filter(enabled=True).order_by().values_list("country", flat=True)
        self.countries = sorted({country.upper() for country in countries.distinct()})
        forms = {
            form for digits in dialled for country in self.countries for form in number_forms(digits, country)
        }
        numbers = PhoneNumber.objects.filter(digits__any_of=dialled | forms).select_related("account")
        self.numbers = {number.digits: number for number in numbers}

    def _read_phones(self, legs: list[LegFacts]) -> None:
        names = {name for leg in legs for name in leg.phone_names}
        accounts = {account.pk for account in self.by_id.values()}
        accounts |= {number.account_id for number in self.numbers.values()}
        if not names or not accounts:
            return
        for device in Device.objects.filter(account__in=accounts, sip_username__any_of=names):
            self.devices[device.account_id, device.sip_username] = device
        extensions = defaultdict(list)
        people = User.objects.filter(account__in=accounts, extension__any_of=names, is_active=True)
        for user_id, account_id, extension in people.values_list("pk", "account_id", "extension"):
            extensions[account_id, extension].append(user_id)
        self.extensions = dict(extensions)


def as_hex(word: str) -> str:
    """An id as 32 hex digits, or nothing if the word is none."""
    try:
        return uuid.UUID(word).hex
    except ValueError:
        return ""


@lru_cache(maxsize=MOST_NUMBER_FORMS_KEPT)
def number_forms(digits: str, country: str) -> frozenset[str]:
    """The ways to write a number of the country: with its code, as inside it, and bare."""
    code = phonenumbers.country_code_for_region(country)
    parsed = (parse_number(text, country) for text in (digits, f"+{digits}"))
    forms: set[str] = set()
    for number in parsed:
        if number and number.country_code == code:
            bare = phonenumbers.national_significant_number(number)
            inside = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
            forms |= {f"{code}{bare}", digits_of(inside), bare}
    return frozenset(forms)


def parse_number(text: str, country: str) -> phonenumbers.PhoneNumber | None:
    """The number if its length is one that the country has."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number)
    return number if possible == phonenumbers.ValidationResult.IS_POSSIBLE else None
