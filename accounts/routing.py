"""Which account, user and device a leg belongs to: the tables named by a batch of legs, read once."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import phonenumbers

from accounts.models import Account, Device, PhoneNumber, Switch, User, digits_of

ACCOUNT_VARIABLE = "ccportal_account"
REALM_VARIABLES = ("sip_auth_realm", "domain_name", "dialed_domain")
CODE_VARIABLE = "accountcode"
NUMBER_VARIABLES = ("sip_req_user", "sip_to_user")
CALLER_VARIABLES = ("sip_auth_username", "user_name")
CALLEE_VARIABLE = "dialed_user"
ROUTING_VARIABLES = frozenset(
    (ACCOUNT_VARIABLE, CODE_VARIABLE, CALLEE_VARIABLE, "sip_authorized")
    + REALM_VARIABLES
    + NUMBER_VARIABLES
    + CALLER_VARIABLES
)
FEWEST_DIGITS_WITH_COUNTRY = 8


@dataclass(frozen=True)
class LegFacts:
    """What a leg said of itself when it was created; all of it comes from the line."""

    uuid: str
    direction: str
    variables: Mapping[str, str]
    destination: str = ""
    caller_number: str = ""


@dataclass(frozen=True)
class Route:
    """Whose a leg is; ``because`` names the fact that said so, and is empty for quarantine."""

    account_id: uuid.UUID | None = None
    user_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None
    because: str = ""
