"""``/accounts/A/users``, ``/devices``, ``/phone_numbers`` and ``/api_keys``."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework.exceptions import PermissionDenied

from accounts.access import roles_given_by
from accounts.keys import give_secret, revoke_key
from accounts.models import ApiKey, AuthToken, Device, PhoneNumber, Role, Team, User, digits_of
from accounts.phones import set_sip_password
from ccportal.api.attributes import Attribute, Resource, choice, line, named, names_at, pointer, switch, time
from ccportal.api.columns import Column, Kind, by_name, flag, identifier, moment, text
from ccportal.api.errors import Invalid
from ccportal.api.filters import Filters
from ccportal.api.pages import Keyset
from ccportal.api.scoping import SCOPES_SCHEMA, checked_scopes
from ccportal.api.shapes import collection_of, item_of
from ccportal.api.writing import Document, ResourceDetail, ResourceList, ResourceView
from policies.schema import ENDPOINT_SCHEMA

ROLES = [role.value for role in Role if role != Role.OPERATOR]
PASSWORD = {"type": "string", "maxLength": 1024, "writeOnly": True}

USERS = Resource(
    "User",
    User,
    (
        identifier("id", "id"),
        text("username", "username"),
        text("email", "email"),
        text("name", "name"),
        text("role", "role", ", ".join(ROLES)),
        text("extension", "extension"),
        text("agent_name", "agent_name", "Name in the switch's queues"),
        Column("teams", Kind.LIST, lambda user: names_at(user, "teams"), about="Names of the person's teams"),
        flag("enabled", "is_active"),
        moment("created", "created_at"),
    ),
    (
        line("username", "username", 128, "Unique within the account", required=True),
        line("email", "email", 254, required=True),
        line("name", "name", 128),
        choice("role", "role", ROLES),
        line("extension", "extension", 32),
        line("agent_name", "agent_name", 255, "Name in the switch's queues"),
        switch("enabled", "is_active", "Whether the person may sign in, and is rung with own settings"),
        named("teams", "teams", "Names of teams of the account"),
        Attribute("password", "password", PASSWORD, write_only=True),
    ),
    ENDPOINT_SCHEMA,
)
DEVICES = Resource(
    "Device",
    Device,
    (
        identifier("id", "id"),
        text("name", "name"),
        text("sip_username", "sip_username"),
        identifier("owner_id", "owner_id"),
        flag("enabled", "enabled"),
        moment("created", "created_at"),
    ),
    (
        line("name", "name", 128, required=True),
        line("sip_username", "sip_username", 128, "Unique within the account", required=True),
        pointer("owner_id", "owner", User, "The user whose calls the device's are"),
        switch("enabled", "enabled"),
        Attribute("password", "password", PASSWORD, write_only=True),
    ),
    ENDPOINT_SCHEMA,
)
PHONE_NUMBERS = Resource(
    "PhoneNumber",
    PhoneNumber,
    (
        identifier("id", "id"),
        text("number", "number"),
        text("digits", "digits", "As the switch writes it"),
        identifier("owner_id", "owner_id"),
        moment("created", "created_at"),
    ),
    (
        line("number", "number", 64, required=True),
        pointer("owner_id", "owner", User, "The user whose number it is"),
    ),
)
API_KEYS = Resource(
    "ApiKey",
    ApiKey,
    (
        identifier("id", "id"),
        text("name", "name"),
        text("role", "role", ", ".join(ROLES)),
        text("prefix", "prefix", "The first signs of the secret"),
        moment("created", "created_at"),
        Column("scopes", Kind.LIST, lambda key: key.scopes, about="What alone it may do"),
        moment("last_used", "last_used_at"),
        moment("expires", "expires_at"),
        moment("revoked", "revoked_at"),
    ),
    (
        line("name", "name", 128, required=True),
        choice("role", "role", ROLES),
        Attribute("scopes", "scopes", SCOPES_SCHEMA),
        time("expires", "expires_at", "When it ends; never where it is not set"),
    ),
)


class RoleGiving(ResourceView):
    """Nobody gives a role above the own, or touches who has one."""

    def roles_given(self) -> list[str]:
        """What the actor may give; with a token that is narrowed none that could widen it."""
        given = roles_given_by(self.actor.role if self.actor else "")
        token = self.request.auth
        narrowed = isinstance(token, AuthToken) and token.is_narrowed
        return [role for role in given if role == Role.AGENT] if narrowed else given

    def refuse_above(self, row: Any) -> None:
        if row.role not in self.roles_given():
            raise PermissionDenied

    def permitted(self, row: Any, before: Document, after: Document, data: Document) -> Document:
        default = row._meta.get_field("role").get_default()
        if after.get("role", default) not in self.roles_given():
            raise PermissionDenied
        return after


class People(RoleGiving):
    resource = USERS

    def with_policies(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return super().with_policies(rows).prefetch_related("teams")

    def connect(self, row: User, document: Document) -> None:
        """Put a person into the teams that are named."""
        wanted = document.get("teams", [])
        found = list(self.visible(Team).filter(account=row.account_id, name__in=wanted))
        if unknown := sorted(set(wanted) - {team.name for team in found}):
            raise Invalid.rule("teams", "enum", "There is no such team in this account.", value=unknown)
        row.teams.set(found)

    def finish(self, row: User, document: Document) -> None:
        """Set a password that was sent; without one a new person cannot sign in with any."""
        password = document.get("password")
        row.email = row.email.lower()
        if password is None:
            if row._state.adding:
                row.set_unusable_password()
            return
        try:
            validate_password(password, row)
        except ValidationError as weak:
            raise Invalid.rule("password", "format", " ".join(weak.messages)) from None
        row.set_password(password)


class Phones(ResourceView):
    resource = DEVICES

    def finish(self, row: Device, document: Document) -> None:
        """Keep the digest of a password that was sent; a phone with another name needs another one."""
        if password := document.get("password"):
            try:
                set_sip_password(row, password)
            except ValidationError as weak:
                raise Invalid.rule("password", "format", " ".join(weak.messages)) from None


class Numbers(ResourceView):
    resource = PHONE_NUMBERS

    def finish(self, row: PhoneNumber, document: Document) -> None:
        """Refuse a number that another account, however it writes it, has already."""
        others = PhoneNumber.objects.filter(digits=digits_of(row.number)).exclude(pk=row.pk)
        if others.exists():
            raise Invalid.rule("number", "unique", "This number is taken.", value=row.number)


class Keys(RoleGiving):
    """A new key's secret is in the answer, once; a key that is removed is revoked, and stays to be seen."""

    resource = API_KEYS

    def finish(self, row: ApiKey, document: Document) -> None:
        checked_scopes(document)
        if row._state.adding:
            row.plain = give_secret(row)  # type: ignore[attr-defined]

    def remove(self, row: ApiKey) -> None:
        revoke_key(row)

    def shown_once(self, row: ApiKey) -> Document:
        return {"api_key": row.plain}  # type: ignore[attr-defined]


@collection_of(USERS)
class UserList(People, ResourceList):
    columns = USERS.columns
    filters = Filters(by_name(USERS.columns))
    keyset = Keyset("created_at")
    file_name = "users.csv"


@item_of(USERS)
class UserDetail(People, ResourceDetail):
    def remove(self, row: User) -> None:
        """Remove a person, but not oneself."""
        if self.actor is None or row.pk == self.actor.user_id:
            raise PermissionDenied
        row.delete()


@collection_of(DEVICES)
class DeviceList(Phones, ResourceList):
    columns = DEVICES.columns
    filters = Filters(by_name(DEVICES.columns))
    keyset = Keyset("created_at")
    file_name = "devices.csv"


@item_of(DEVICES)
class DeviceDetail(Phones, ResourceDetail):
    """One phone."""


@collection_of(PHONE_NUMBERS)
class PhoneNumberList(Numbers, ResourceList):
    columns = PHONE_NUMBERS.columns
    filters = Filters(by_name(PHONE_NUMBERS.columns))
    keyset = Keyset("created_at")
    file_name = "phone_numbers.csv"


@item_of(PHONE_NUMBERS)
class PhoneNumberDetail(Numbers, ResourceDetail):
    """One number."""


@collection_of(API_KEYS)
class ApiKeyList(Keys, ResourceList):
    columns = API_KEYS.columns
    filters = Filters(by_name(API_KEYS.columns))
    keyset = Keyset("created_at")
    file_name = "api_keys.csv"


@item_of(API_KEYS)
class ApiKeyDetail(Keys, ResourceDetail):
    """One key, without its secret."""
