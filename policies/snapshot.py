"""Everything a decision about a live call needs, in memory: whoever has it asks no database.

Rows are plain values, so that a copy can lie beside the journal for a start without a database.
"""

from __future__ import annotations

import os
import uuid
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from django.db.models import Count, Max

from accounts.models import Account, Device, PhoneNumber, Switch, User
from accounts.routing import LegFacts, Route, Router
from policies.live_facts import Phone, Whose
from policies.models import RecordingPolicy, SnapshotMark
from policies.settings import Cell, Settings, account_settings, endpoint_settings, queue_settings
from queues.models import Queue
from switch import events as ev
from switch.networks import NetworkRules

DEFAULT_FOLDER = "/var/lib/freeswitch/recordings"
MARKS_KEPT = 1000
Mark = tuple[int, int]


class AccountRow(msgspec.Struct, frozen=True, array_like=True):
    id: uuid.UUID
    tree_path: str
    enabled: bool
    realm: str
    code: str
    country: str


class DeviceRow(msgspec.Struct, frozen=True, array_like=True):
    id: uuid.UUID
    account: uuid.UUID
    owner: uuid.UUID | None
    sip_username: str
    name: str
    enabled: bool


class UserRow(msgspec.Struct, frozen=True, array_like=True):
    id: uuid.UUID
    account: uuid.UUID
    extension: str
    name: str
    active: bool


class NumberRow(msgspec.Struct, frozen=True, array_like=True):
    digits: str
    account: uuid.UUID
    owner: uuid.UUID | None


class QueueRow(msgspec.Struct, frozen=True, array_like=True):
    account: uuid.UUID
    name: str
    parameters: Any


class SwitchRow(msgspec.Struct, frozen=True, array_like=True):
    id: uuid.UUID
    account: uuid.UUID | None
    offnet_profiles: list[str]
    offnet_contexts: list[str]
    folder: str


class Rows(msgspec.Struct, frozen=True):
    """What is read from the database; ``documents`` by the id of the account, user or device.

    ``queues`` are those that record.
    """

    mark: Mark
    switch: SwitchRow
    accounts: list[AccountRow]
    devices: list[DeviceRow]
    users: list[UserRow]
    numbers: list[NumberRow]
    documents: dict[uuid.UUID, Any]
    queues: list[QueueRow] = []


class Snapshot:
    """Answers from the rows; what it works out about an account or a phone it keeps."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.mark = rows.mark
        self.rules = NetworkRules(
            frozenset(rows.switch.offnet_profiles), frozenset(rows.switch.offnet_contexts)
        )
        self._devices = {row.id: row for row in rows.devices}
        self._users = {row.id: row for row in rows.users}
        self._queues = {(row.account.hex, row.name): queue_settings(row.parameters) for row in rows.queues}
        self._accounts: dict[str, Settings] = {}
        self._phones: dict[tuple[uuid.UUID | None, uuid.UUID | None], Phone] = {}

    @property
    def switch_id(self) -> uuid.UUID:
        return self.rows.switch.id

    @property
    def asks_for_something(self) -> bool:
        """Whether any policy was ever written or a queue records: else the switch need not be bothered."""
        return any(self.rows.documents.values()) or bool(self._queues)

    @property
    def folder(self) -> str:
        """Where the switch keeps our recordings."""
        return self.rows.switch.folder

    def whose(self, channel: ev.Channel) -> Whose:
        facts = leg_facts(channel)
        route = self._router.route(facts)
        if route.account_id is None:
            return Whose()
        phone = self._phone_of(route, facts, route.account_id)
        return Whose(route.account_id.hex, route.because, phone)

    def account_settings(self, account: str) -> Settings:
        if account not in self._accounts:
            self._accounts[account] = account_settings(self.rows.documents.get(uuid.UUID(account)))
        return self._accounts[account]

    def queue(self, account: str, name: str) -> Cell | None:
        """How the account's queue records; None when it does not."""
        return self._queues.get((account, name))

    def phone(self, account: str, name: str) -> Phone | None:
        """The account's device or person of that SIP user name, with or without its domain."""
        facts = LegFacts("", "outbound", {"dialed_user": name.partition("@")[0], "ccportal_account": account})
        route = self._router.route(facts)
        return self._phone_of(route, facts, route.account_id) if route.account_id else None

    @cached_property
    def _router(self) -> Router:
        return router_of(self.rows)

    def _phone_of(self, route: Route, facts: LegFacts, account: uuid.UUID) -> Phone | None:
        """Only what the switch calls a phone is one; a person whose number was dialled is not yet rung."""
        if not facts.phone_names or not (route.device_id or route.user_id):
            return None
        key = (route.device_id, route.user_id)
        if key not in self._phones:
            self._phones[key] = self._make_phone(*key, account)
        return self._phones[key]

    def _make_phone(
        self, device_id: uuid.UUID | None, user_id: uuid.UUID | None, account: uuid.UUID
    ) -> Phone:
        device = self._devices.get(device_id) if device_id else None
        owner = device.owner if device else user_id
        user = self._users.get(owner) if owner else None
        if user and not user.active:
            user = None
        name = device.name if device else user.name if user else ""
        if (device and not device.enabled) or not (device or user):
            return Phone(name)
        documents = self.rows.documents
        own = documents.get(device.id) if device else None
        persons = documents.get(user.id) if user else None
        return Phone(name, endpoint_settings(own, persons, documents.get(account)))


def leg_facts(channel: ev.Channel) -> LegFacts:
    return LegFacts(
        channel.uuid, channel.direction, channel.variables, channel.destination, channel.caller_number
    )


def router_of(rows: Rows) -> Router:
    """The same router as the call records have, over rows that stand in no database."""
    accounts = {row.id: account_of(row) for row in rows.accounts}
    router = Router()
    for account in accounts.values():
        router.by_id[account.pk.hex] = account
        if account.account_code:
            router.by_code[account.account_code] = account
        if account.realm:
            router.by_realm[account.realm.lower()] = account
    if rows.switch.account:
        router.switch_account = accounts.get(rows.switch.account)
    router.countries = sorted({row.country.upper() for row in rows.accounts if row.enabled})
    router.numbers = {
        row.digits: PhoneNumber(account=accounts[row.account], digits=row.digits, owner_id=row.owner)
        for row in rows.numbers
        if row.account in accounts
    }
    router.devices = {
        (row.account, row.sip_username): Device(pk=row.id, account_id=row.account, owner_id=row.owner)
        for row in rows.devices
    }
    router.extensions = extensions_of(rows.users)
    return router


def account_of(row: AccountRow) -> Account:
    return Account(
        pk=row.id,
        tree_path=row.tree_path,
        enabled=row.enabled,
        realm=row.realm,
        account_code=row.code,
        country=row.country,
    )


def extensions_of(users: Iterable[UserRow]) -> dict[tuple[uuid.UUID, str], list[uuid.UUID]]:
    found: defaultdict[tuple[uuid.UUID, str], list[uuid.UUID]] = defaultdict(list)
    for user in users:
        if user.active and user.extension:
            found[user.account, user.extension].append(user.id)
    return dict(found)


def present_mark() -> Mark:
    """What changes with every change of what a snapshot holds, once that is committed."""
    found = SnapshotMark.objects.aggregate(last=Max("id"), count=Count("id"))
    return found["last"] or 0, found["count"]


def read_rows(switch_id: uuid.UUID) -> Rows:
    """Read everything for one switch; the mark first, so that a change meanwhile is seen next time."""
    mark = present_mark()
    switch = Switch.objects.get(pk=switch_id)
    accounts = Account.objects.values_list("pk", "tree_path", "enabled", "realm", "account_code", "country")
    devices = Device.objects.values_list("pk", "account", "owner", "sip_username", "name", "enabled")
    users = User.objects.exclude(account=None).values_list("pk", "account", "extension", "name", "is_active")
    numbers = PhoneNumber.objects.values_list("digits", "account", "owner")
    queues = Queue.objects.filter(record=True).values_list("account", "name", "record_parameters")
    policies: Any = RecordingPolicy.objects.values_list("account", "user", "device", "document")
    return Rows(
        mark=mark,
        switch=SwitchRow(
            switch.pk, switch.account_id, switch.offnet_profiles, switch.offnet_contexts, folder_of(switch)
        ),
        accounts=[
            AccountRow(pk, path, enabled, realm or "", code or "", country)
            for pk, path, enabled, realm, code, country in accounts.order_by()
        ],
        devices=[DeviceRow(*row) for row in devices.order_by()],
        users=[UserRow(*row) for row in users.order_by()],
        numbers=[NumberRow(*row) for row in numbers.order_by()],
        documents={device or user or account: document for account, user, device, document in policies},
        queues=[QueueRow(*row) for row in queues.order_by()],
    )


def folder_of(switch: Switch) -> str:
    """The first of the switch's mapped folders, where its recordings can be collected from."""
    folders = sorted(switch.path_mapping)
    return str(folders[0]).rstrip("/") if folders else DEFAULT_FOLDER


def tidy_marks() -> None:
    """Keep the last marks; what is taken away only makes everyone read once more."""
    last = SnapshotMark.objects.order_by("-id").values_list("id", flat=True)[MARKS_KEPT : MARKS_KEPT + 1]
    for oldest in list(last):
        SnapshotMark.objects.filter(id__lte=oldest).delete()


def keep_rows(path: Path, rows: Rows) -> None:
    """Keep a copy that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.msgpack.encode(rows))
    draft.replace(path)


def load_rows(path: Path) -> Rows | None:
    """Return the copy, None without a readable one."""
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Rows)
    except (OSError, msgspec.DecodeError):
        return None
