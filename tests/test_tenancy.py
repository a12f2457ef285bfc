"""No row of one tenant reaches another: every route, every model, also those that come later.

``ROUTES`` has a line for every URL pattern of the project; a pattern without a line fails, and so does a line
without a pattern. ``MAKERS`` has a line for every model of a tenant.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.actors import actor_for
from accounts.keys import issue_key, issue_token
from accounts.models import (
    Account,
    ApiKey,
    AuditEntry,
    Authenticator,
    AuthToken,
    BrowserSession,
    Contact,
    Device,
    PhoneNumber,
    RecoveryCode,
    Role,
    Switch,
    Team,
    User,
)
from accounts.tenancy import TenantModel
from cdr.models import (
    AgentFigures,
    AgentOffer,
    Call,
    CallAlias,
    DefaultView,
    FiguresMark,
    Leg,
    QueueFigures,
    QueueVisit,
    SavedView,
    StatisticsCheck,
)
from policies.models import PolicyChange, RecordingPolicy
from queues.live_rows import AgentNow, WaitingCaller
from queues.models import Agent, AgentChange, Difference, Queue, QueueServer, SwitchOrder, Tier
from recordings.holds import LegalHold
from recordings.models import (
    Connector,
    Decision,
    Delivery,
    Erasure,
    Export,
    Listening,
    Media,
    Orphan,
    OrphanState,
    ProcessingStep,
    Recording,
    RecordingRequest,
    Redo,
    Tag,
    UploadToken,
    Webhook,
)
from recordings.stores import AudioStore
from reviews.models import Assignment, Comment
from tests import factories as make

OURS = ("accounts", "queues", "cdr", "recordings", "ccportal", "policies", "reviews")
MARK = "Vixtim"
SEARCH = "Vix"
WRITING = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Item:
    """A page about things of a tenant: 404 to others. The models fill the path's ids, left to right."""

    models: tuple[type[Model], ...]
    owner: int = 200


@dataclass(frozen=True)
class Page:
    """A page of one's own things; ``owner`` is what a tenant's administrator gets."""

    owner: int = 200


@dataclass(frozen=True)
class Open:
    """A page for everyone, with nothing of any tenant."""


@dataclass(frozen=True)
class Operators:
    """A page about the installation, which is refused to every tenant, whatever it asks for."""


Route = Item | Page | Open | Operators


def item(*models: type[Model], owner: int = 200) -> Item:
    return Item(models, owner)


def admin_of(model: type[Model], *, add: int = 200, see: int = 200, delete: int = 200) -> dict[str, Route]:
    """The pages that Django's admin has for a model, and what a tenant's administrator gets of each."""
    base = f"admin/{model._meta.app_label}/{model._meta.model_name}/"
    return {
        base: Page(see),
        f"{base}add/": Page(add),
        f"{base}<path:object_id>/": item(model, owner=302),
        f"{base}<path:object_id>/change/": item(model, owner=see),
        f"{base}<path:object_id>/delete/": item(model, owner=delete),
        f"{base}<path:object_id>/history/": item(model, owner=see),
    }


def admin_for_operators(label: str) -> dict[str, Route]:
    return dict.fromkeys(admin_of(apps.get_model(label)), Operators())


READ_ONLY = {"add": 404, "delete": 404}
ACCOUNT = "v2/accounts/<str:account_id>"
POLICIES = "admin/policies/recordingpolicy"
ROUTES: dict[str, Route] = {
    "": Page(302),
    "sign-in/": Open(),
    "sign-in/code/": Open(),
    "password/": Open(),
    "password/sent/": Open(),
    "password/chosen/": Open(),
    "password/<uidb64>/<token>/": Open(),
    "welcome/<uidb64>/<token>/": Open(),
    "sign-out/": Page(405),
    "me/": Page(),
    "me/password": Page(302),
    "me/two-step/": Page(),
    "me/two-step/qr": Page(),
    "me/two-step/off": Page(302),
    "me/two-step/codes": Page(302),
    "me/sessions/others/end": Page(302),
    "me/sessions/<id32:id>/end": item(BrowserSession, owner=404),
    "accounts/": Page(),
    "accounts/menu": Page(404),
    "calls/": Page(),
    "calls/choices": Page(404),
    "calls/bulk": Page(302),
    "calls/views": Page(405),
    "calls/views/<id32:id>": item(SavedView, owner=405),
    "calls/count": Page(),
    "calls/<id32:id>/": item(Call),
    "calls/<id32:id>/drawer": item(Call),
    "calls/<id32:id>/holds": item(Call, owner=405),
    "calls/<id32:id>/holds/<id32:hold>/release": item(Call, LegalHold, owner=405),
    "calls/<id32:id>/review": item(Call, owner=405),
    "calls/<id32:id>/tags": item(Call, owner=405),
    "calls/<id32:id>/comments": item(Call, owner=302),
    "calls/<id32:id>/comments/<id32:comment>": item(Call, Comment, owner=302),
    "calls/<id32:id>/comments/<id32:comment>/delete": item(Call, Comment, owner=302),
    "recordings/": Page(),
    "recordings/again": Page(405),
    "recordings/again/progress": Page(),
    "recordings/<id32:id>/again": item(Recording, owner=405),
    "recordings/<id32:id>/media": item(Recording),
    "recordings/<id32:id>/peaks": item(Recording),
    "deliveries/": Page(),
    "deliveries/again": Page(405),
    "queues/": Page(),
    "queues/live": Page(),
    "queues/<id32:id>/": item(Queue),
    "queues/<id32:id>/live": item(Queue),
    "agents/": Page(),
    "agents/live": Page(),
    "agents/<id32:id>/": item(Agent),
    "agents/<id32:id>/live": item(Agent),
    "recordings/<id32:id>/listening": item(Recording, owner=405),
    "orphans/": Page(),
    "orphans/<id32:id>/": item(Orphan),
    "callbacks/": Page(),
    "statistics/": Page(),
    "statistics/agents/": Page(),
    "health/": Page(),
    "exports/": Page(),
    "exports/part": Page(),
    "exports/<id32:id>/file": item(Export, owner=404),
    "exports/<id32:id>/delete": item(Export, owner=302),
    "compliance/": Page(),
    "compliance/audit.csv": Page(),
    "compliance/retention": Page(302),
    "compliance/holds": Page(302),
    "compliance/holds/<id32:id>/release": item(LegalHold, owner=302),
    "compliance/erasures": Page(302),
    "compliance/erasures/preview": Page(302),
    "compliance/erasures/<id32:id>/": item(Erasure),
    "compliance/erasures/<id32:id>/report": item(Erasure),
    "settings/": Page(),
    "settings/recordings/": Page(),
    "settings/recordings/preview": Page(),
    "settings/storage/": Page(),
    "settings/webhooks/": Page(),
    "settings/webhooks/new": Page(),
    "settings/webhooks/<id32:id>/": item(Webhook),
    "settings/webhooks/<id32:id>/secret": item(Webhook, owner=302),
    "settings/webhooks/<id32:id>/test": item(Webhook, owner=302),
    "settings/webhooks/<id32:id>/delete": item(Webhook, owner=302),
    "settings/keys/": Page(),
    "settings/keys/<id32:id>/revoke": item(ApiKey, owner=302),
    "quarantine/": Page(404),
    "quarantine/assign": Page(404),
    "robots.txt": Open(),
    "favicon.ico": Open(),
    "^v1(/|$)": Open(),
    "xml/": Open(),
    "v2/api_auth": Open(),
    "v2/user_auth": Open(),
    "v2/token_auth": Open(),
    "v2/schema": Open(),
    "v2/docs": Open(),
    "v2/": Page(404),
    ACCOUNT: item(Account),
    f"{ACCOUNT}/children": item(Account),
    f"{ACCOUNT}/descendants": item(Account),
    f"{ACCOUNT}/users": item(Account),
    f"{ACCOUNT}/users/<str:item_id>": item(Account, User),
    f"{ACCOUNT}/devices": item(Account),
    f"{ACCOUNT}/devices/<str:item_id>": item(Account, Device),
    f"{ACCOUNT}/phone_numbers": item(Account),
    f"{ACCOUNT}/phone_numbers/<str:item_id>": item(Account, PhoneNumber),
    f"{ACCOUNT}/api_keys": item(Account),
    f"{ACCOUNT}/api_keys/<str:item_id>": item(Account, ApiKey),
    f"{ACCOUNT}/contacts": item(Account),
    f"{ACCOUNT}/contacts/<str:item_id>": item(Account, Contact),
    f"{ACCOUNT}/webhooks": item(Account),
    f"{ACCOUNT}/webhooks/<str:item_id>": item(Account, Webhook),
    f"{ACCOUNT}/exports": item(Account),
    f"{ACCOUNT}/exports/<str:export_id>": item(Account, Export),
    f"{ACCOUNT}/exports/<str:export_id>/file": item(Account, Export, owner=404),
    f"{ACCOUNT}/recording_decision": item(Account, owner=405),
    f"{ACCOUNT}/cdrs": item(Account),
    f"{ACCOUNT}/cdrs/interaction": item(Account),
    f"{ACCOUNT}/cdrs/legs/<str:interaction_id>": item(Account, Call),
    f"{ACCOUNT}/cdrs/<str:cdr_id>": item(Account, Leg),
    f"{ACCOUNT}/users/<str:user_id>/cdrs": item(Account, User),
    f"{ACCOUNT}/channels/<str:call_id>": item(Account, owner=405),
    f"{ACCOUNT}/queue_calls": item(Account),
    f"{ACCOUNT}/queues": item(Account),
    f"{ACCOUNT}/queues/<str:item_id>": item(Account, Queue),
    f"{ACCOUNT}/agents": item(Account),
    f"{ACCOUNT}/agents/<str:item_id>": item(Account, Agent),
    f"{ACCOUNT}/agents/<str:agent_id>/queue_calls": item(Account, Agent),
    f"{ACCOUNT}/agents/<str:agent_id>/status": item(Account, Agent),
    f"{ACCOUNT}/stats/queues": item(Account),
    f"{ACCOUNT}/stats/agents": item(Account),
    f"{ACCOUNT}/recordings": item(Account),
    f"{ACCOUNT}/recordings/<str:recording_id>": item(Account, Recording),
    f"{ACCOUNT}/recordings/<str:recording_id>/media": item(Account, Recording),
    f"{ACCOUNT}/recordings/<str:recording_id>/media/<str:file_name>": item(Account, Recording),
    f"{ACCOUNT}/recordings/<str:recording_id>/peaks": item(Account, Recording),
    f"{ACCOUNT}/recordings/<str:recording_id>/upload_token": item(Account, Recording, owner=405),
    f"{ACCOUNT}/users/<str:user_id>/recordings": item(Account, User),
    "admin/": Page(),
    "admin/search/": Page(),
    "admin/login/": Open(),
    "admin/logout/": Page(405),
    "admin/password_change/": Page(302),
    "admin/password_change/done/": Page(),
    "admin/autocomplete/": Page(403),
    "admin/jsi18n/": Page(),
    "admin/r/<path:content_type_id>/<path:object_id>/": item(Account, Account, owner=404),
    "admin/^(?P<app_label>LABELS)/$": Page(),
    "admin/(?P<url>.*)$": Page(404),
    **admin_of(Account, delete=404),
    **admin_of(Team),
    **admin_of(User),
    "admin/accounts/user/<id>/password/": item(User),
    **admin_of(Device),
    **admin_of(PhoneNumber),
    **admin_of(Contact),
    **admin_of(ApiKey, delete=404),
    **admin_of(Switch, **READ_ONLY, see=404),
    **admin_of(AuditEntry, **READ_ONLY),
    **admin_of(Queue),
    **admin_of(Agent),
    **admin_of(Tier),
    **admin_of(QueueServer, **READ_ONLY, see=404),
    **admin_of(SwitchOrder, **READ_ONLY),
    **admin_of(Difference, **READ_ONLY),
    **admin_of(Call, **READ_ONLY),
    **admin_of(Leg, **READ_ONLY),
    **admin_of(QueueVisit, **READ_ONLY),
    **admin_of(Recording, **READ_ONLY),
    **admin_of(Delivery, **READ_ONLY),
    **admin_of(Webhook),
    **admin_of(Connector),
    **admin_of(AudioStore, delete=404),
    f"{POLICIES}/": Page(302),
    f"{POLICIES}/account/<str:key>/": item(Account),
    f"{POLICIES}/account/<str:key>/history/": item(Account),
    f"{POLICIES}/phones/<str:key>/": item(Account),
    f"{POLICIES}/phones/<str:key>/history/": item(Account),
    f"{POLICIES}/user/<str:key>/": item(User),
    f"{POLICIES}/user/<str:key>/history/": item(User),
    f"{POLICIES}/device/<str:key>/": item(Device),
    f"{POLICIES}/device/<str:key>/history/": item(Device),
    f"{POLICIES}/restore/<str:key>/": item(PolicyChange, owner=405),
    f"{POLICIES}/simulator/<str:key>/": item(Account),
    **admin_for_operators("django_q.schedule"),
    **admin_for_operators("django_q.success"),
    **admin_for_operators("django_q.failure"),
    **admin_for_operators("django_q.ormq"),
}

NOT_A_TENANTS = {
    "accounts.SignInFailure": "counts tries by the hash of a name or address",
    "cdr.CallAlias": "an id that leads to a call, which is looked up as visible",
    "cdr.ConnectionGap": "about a switch, seen by whose that is",
    "cdr.Evidence": "what ingest reads again, shown to nobody",
    "cdr.EvidenceKey": "what ingest reads again, shown to nobody",
    "policies.SnapshotMark": "says that something changed, not what",
    "queues.LiveMark": "a number that rises",
    "queues.LiveSwitch": "about a switch, seen by whose that is",
    "recordings.FolderLook": "how far a switch's folder was looked through, shown to nobody",
    "cdr.EventCount": "about a switch, seen by whose that is",
    "cdr.IngestPosition": "about a switch, seen by whose that is",
    "cdr.SourcePosition": "about a switch, seen by whose that is",
}


@dataclass
class Tenant:
    """An account with a row in every table, everything it is called by marked."""

    account: Account
    user: User
    rows: dict[type[Model], Model] = field(default_factory=dict)

    @property
    def ids(self) -> list[uuid.UUID]:
        return [row.pk for row in self.rows.values()]


MAKERS: dict[type[Model], Callable[[Tenant], Model]] = {
    Account: lambda tenant: tenant.account,
    User: lambda tenant: make.make_user(
        tenant.account, name=f"{MARK} person", username=MARK, extension=MARK, agent_name=MARK
    ),
    Team: lambda tenant: make.make_team(tenant.account, f"{MARK} team"),
    Device: lambda tenant: make.make_device(tenant.account, MARK, name=f"{MARK} phone"),
    PhoneNumber: lambda tenant: make.make_phone_number(tenant.account),
    Contact: lambda tenant: make.make_contact(tenant.account, name=f"{MARK} contact"),
    ApiKey: lambda tenant: issue_key(tenant.account, name=f"{MARK} key")[0],
    AuthToken: lambda tenant: token_row(tenant),
    Authenticator: lambda tenant: Authenticator.objects.create(user=row(tenant, User), key="00" * 20),
    RecoveryCode: lambda tenant: RecoveryCode.objects.create(user=row(tenant, User), code_hash=MARK),
    BrowserSession: lambda tenant: BrowserSession.objects.create(
        user=row(tenant, User), session_key=MARK, browser=MARK
    ),
    Switch: lambda tenant: make.make_switch(tenant.account, f"{MARK} switch"),
    AuditEntry: lambda tenant: AuditEntry.objects.create(
        account=tenant.account, actor=MARK, action="test", object_type="call"
    ),
    Queue: lambda tenant: make.make_queue(tenant.account, f"{MARK}@default", label=f"{MARK} queue"),
    Agent: lambda tenant: make.make_agent(tenant.account, MARK, label=f"{MARK} agent"),
    Tier: lambda tenant: Tier.objects.create(queue=row(tenant, Queue), agent=row(tenant, Agent)),
    QueueServer: lambda tenant: QueueServer.objects.create(switch=row(tenant, Switch), context=MARK),
    SwitchOrder: lambda tenant: SwitchOrder.objects.create(
        account=tenant.account, switch=row(tenant, Switch), number=1, kind="remove_agent", arguments=[MARK]
    ),
    Difference: lambda tenant: Difference.objects.create(
        account=tenant.account,
        switch=row(tenant, Switch),
        kind="agent",
        name=MARK,
        ours={"contact": f"user/{MARK}"},
        seen_at=timezone.now(),
    ),
    AgentChange: lambda tenant: AgentChange.objects.create(
        account=tenant.account,
        switch=row(tenant, Switch),
        agent_name=MARK,
        at=timezone.now(),
        kind="status",
        value="Available",
    ),
    WaitingCaller: lambda tenant: WaitingCaller.objects.create(
        account=tenant.account,
        switch=row(tenant, Switch),
        queue_name=f"{MARK}@default",
        member_uuid=MARK,
        session_uuid=MARK,
        caller_name=f"{MARK} caller",
        joined_at=timezone.now(),
    ),
    AgentNow: lambda tenant: AgentNow.objects.create(
        account=tenant.account, switch=row(tenant, Switch), agent_name=MARK, status="Available"
    ),
    Call: lambda tenant: make.make_call(
        tenant.account, switch=row(tenant, Switch), caller_name=f"{MARK} caller", started_at=timezone.now()
    ),
    Leg: lambda tenant: make.make_leg(row(tenant, Call), custom={MARK: MARK}),
    QueueVisit: lambda tenant: make.make_visit(row(tenant, Call), f"{MARK}@default", agent_name=MARK),
    AgentOffer: lambda tenant: make.make_offer(row(tenant, QueueVisit), MARK),
    QueueFigures: lambda tenant: QueueFigures.objects.create(
        account=tenant.account, span="quarter", begins_at=make.NOON, queue_name=f"{MARK}@default", offered=1
    ),
    AgentFigures: lambda tenant: AgentFigures.objects.create(
        account=tenant.account, span="quarter", begins_at=make.NOON, agent_name=MARK, offered=1
    ),
    FiguresMark: lambda tenant: FiguresMark.objects.create(account=tenant.account, zone="UTC"),
    StatisticsCheck: lambda tenant: StatisticsCheck.objects.create(
        account=tenant.account,
        checked_at=make.NOON,
        since=make.NOON,
        until=make.NOON,
        compared=1,
        repaired=0,
    ),
    Recording: lambda tenant: make.make_recording(row(tenant, Call)),
    Tag: lambda tenant: make.make_tag(row(tenant, Call), MARK),
    Assignment: lambda tenant: make.make_assignment(row(tenant, Call), tenant.user, note=MARK),
    SavedView: lambda tenant: make.make_view(tenant.account, None, f"{MARK} view"),
    DefaultView: lambda tenant: DefaultView.objects.create(
        account=tenant.account, person=make.make_user(tenant.account), view=row(tenant, SavedView)
    ),
    RecordingPolicy: lambda tenant: RecordingPolicy.objects.create(
        account=tenant.account, document={"account": {"any": {"any": {"url": f"https://{MARK}.example/"}}}}
    ),
    PolicyChange: lambda tenant: PolicyChange.objects.create(
        account=tenant.account, actor=MARK, after={"account": {"any": {"any": {"format": "wav"}}}}
    ),
    Media: lambda tenant: make.make_media(row(tenant, Recording), file_name=f"{MARK}.wav"),
    Decision: lambda tenant: Decision.objects.create(
        switch=row(tenant, Switch),
        call=row(tenant, Call),
        leg_uuid=MARK,
        decided_at=timezone.now(),
        refusals=[{"because": MARK}],
    ),
    Connector: lambda tenant: Connector.objects.create(
        account=tenant.account, name=f"{MARK} tool", wsdl="https://tool.example/", secrets={"password": MARK}
    ),
    Webhook: lambda tenant: Webhook.objects.create(
        account=tenant.account, name=f"{MARK} hook", url=f"https://{MARK}.example/".lower()
    ),
    Delivery: lambda tenant: Delivery.objects.create(
        account=tenant.account,
        kind="recording",
        subject=MARK,
        recording=row(tenant, Recording),
        url=f"https://{MARK}.example/".lower(),
    ),
    ProcessingStep: lambda tenant: ProcessingStep.objects.create(
        recording=row(tenant, Recording), position=0, name="probe", started_at=timezone.now(), note=MARK
    ),
    Comment: lambda tenant: Comment.objects.create(
        call=row(tenant, Call), author_name=f"{MARK} person", text=f"{MARK} says"
    ),
    Erasure: lambda tenant: Erasure.objects.create(
        account=tenant.account, number="0305550100", ending="100", key="0" * 64, asked_by=f"{MARK} asker"
    ),
    LegalHold: lambda tenant: LegalHold.objects.create(
        account=tenant.account, kind="call", call=row(tenant, Call), reason=MARK, placed_by=MARK
    ),
    AudioStore: lambda tenant: AudioStore.objects.create(
        account=tenant.account, bucket=MARK.lower(), access_key=MARK, secret_key=MARK
    ),
    UploadToken: lambda tenant: UploadToken.objects.create(
        recording=row(tenant, Recording), token_hash="0" * 64, expires_at=timezone.now(), created_by=MARK
    ),
    Orphan: lambda tenant: Orphan.objects.create(
        account=tenant.account,
        switch=row(tenant, Switch),
        path=f"/recordings/{MARK}.wav",
        size=1,
        modified_at=timezone.now(),
        state=OrphanState.WAITING,
    ),
    Listening: lambda tenant: Listening.objects.create(
        recording=row(tenant, Recording), actor=MARK, spans=[[0, 1000]], heard_ms=1000
    ),
    Redo: lambda tenant: Redo.objects.create(
        account=tenant.account, action="look", kind="missing", asked_by=MARK
    ),
    Export: lambda tenant: Export.objects.create(
        account=tenant.account,
        asked_by=MARK,
        kind="calls",
        format="csv",
        chosen={"list": f"q={MARK}"},
        file_name=f"{MARK}.csv",
    ),
    RecordingRequest: lambda tenant: RecordingRequest.objects.create(
        account=tenant.account, switch=row(tenant, Switch), leg_uuid=MARK, action="mask", asked_by=MARK
    ),
}


def row(tenant: Tenant, model: type[Any]) -> Any:
    return tenant.rows[model]


def token_row(tenant: Tenant) -> AuthToken:
    issue_token(user=tenant.user)
    return AuthToken.objects.get(user=tenant.user)


def make_tenant(name: str, parent: Account | None = None) -> Tenant:
    account = make.make_account(name, parent=parent, realm=f"{name}.example".replace(" ", "").lower())
    tenant = Tenant(account, make.make_user(account, name=f"{name} admin"))
    for model, maker in MAKERS.items():
        tenant.rows[model] = maker(tenant)
    return tenant


@pytest.fixture(autouse=True)
def nobody_is_told_to_wait(settings: Settings) -> None:
    """Every route is asked for, many times a minute."""
    settings.CCPORTAL_API_RATE = 0


@pytest.fixture
def victim(db: None) -> Tenant:
    tenant = make_tenant(f"{MARK} Ltd")
    CallAlias.objects.create(pk=uuid.uuid4(), call=row(tenant, Call))
    return tenant


OTHER_IDS = 8
OUTSIDERS = ["stranger", "child", "supervisor", "agent of child"]


def make_outsider(kind: str, victim: Tenant) -> User:
    """Someone with nothing to seek here: another tenant, or one that the tenant itself has made."""
    role, _, below = kind.partition(" of ")
    parent = victim.account if "child" in (kind, below) else None
    account = make.make_account("Elsewhere", parent=parent)
    return make.make_user(account, role if role in Role.values else Role.ADMIN)


def patterns(resolver: Any, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for found in resolver.url_patterns:
        path = before + str(found.pattern)
        if isinstance(found, URLResolver):
            yield from patterns(found, path)
        else:
            labels = re.sub(r"(?<=app_label>)[^)]*", "LABELS", path)
            yield labels, found


ALL_PATTERNS = [path for path, _ in patterns(get_resolver())]
ITEMS = sorted(path for path, route in ROUTES.items() if isinstance(route, Item))
PAGES = sorted(path for path, route in ROUTES.items() if not isinstance(route, Item))
OPERATORS = sorted(path for path, route in ROUTES.items() if isinstance(route, Operators))
SELF_MADE = {"last_login", "last_used_at"}


def url(path: str, *ids: Any) -> str:
    """Fill the path's parameters, left to right; what is not an id is made up."""
    filled = path.replace("^v1(/|$)", "v1/x").replace("^(?P<app_label>LABELS)/$", "cdr/")
    filled = filled.replace("(?P<url>.*)$", "no/such/page")
    for value in ids or (uuid.uuid4(),):
        filled = re.sub(
            r"<(?:\w+:)?\w+>", value.hex if isinstance(value, uuid.UUID) else str(value), filled, count=1
        )
    return f"/{filled}"


def body_of(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return f"{content.decode('utf-8', 'replace')}{dict(answer.headers)}"


def signed_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def with_token(user: User) -> Client:
    return Client(headers={"X-Auth-Token": issue_token(user=user)})


def clients(user: User, path: str) -> list[Client]:
    return [signed_in(user), with_token(user)] if path.startswith("v2/") else [signed_in(user)]


def snapshot() -> dict[str, list[dict[str, Any]]]:
    """Every row of every tenant's table but what signing in writes."""
    models = [model for model in MAKERS if model not in (AuthToken, AuditEntry)]
    return {model.__name__: [written(found) for found in rows_of(model)] for model in models}


def rows_of(model: type[Model]) -> Any:
    return model._default_manager.order_by("pk").values()


def written(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in SELF_MADE}


def is_refusal(path: str, status: int) -> bool:
    """Whether the answer tells nothing; the admin leads from any id to its page, there or not."""
    return status == 404 or (
        status == 302 and path.startswith("admin/") and path.endswith("<path:object_id>/")
    )


def test_every_route_has_a_line() -> None:
    assert sorted(set(ALL_PATTERNS)) == sorted(ROUTES)


def test_every_model_of_a_tenant_has_a_maker() -> None:
    models = {model for label in OURS for model in models_of(label)}
    tenants = {model for model in models if issubclass(model, TenantModel) or model is User}
    assert tenants == set(MAKERS)
    assert {model._meta.label for model in models - tenants} == set(NOT_A_TENANTS)


def models_of(label: str) -> list[type[Model]]:
    return list(apps.get_app_config(label).get_models()) if apps.is_installed(label) else []


def test_items_are_there_for_their_own_tenant(victim: Tenant) -> None:
    for path in ITEMS:
        route = ROUTES[path]
        assert isinstance(route, Item)
        for client in clients(victim.user, path):
            answer = client.get(url(path, *(victim.rows[model].pk for model in route.models)))
            body_of(answer)
            assert answer.status_code == route.owner, path


def test_pages_are_there_for_their_own_tenant(victim: Tenant) -> None:
    for path in PAGES:
        route = ROUTES[path]
        for client in clients(victim.user, path):
            status = client.get(url(path)).status_code
            assert not isinstance(route, Page) or status == route.owner, path


@pytest.mark.parametrize("kind", OUTSIDERS)
def test_items_of_another_tenant_are_not_found_by_any_id(victim: Tenant, kind: str) -> None:
    outsider = make_outsider(kind, victim)
    own = outsider.account_id
    before = snapshot()
    for path in ITEMS:
        for client in clients(outsider, path):
            for answer in tried(client, path, victim, own):
                assert is_refusal(path, answer.status_code), (answer.request["PATH_INFO"], answer.status_code)
                assert MARK not in body_of(answer), path
    assert snapshot() == before


def tried(client: Client, path: str, victim: Tenant, own: Any) -> Iterator[Any]:
    """Ask for the route with the tenant's ids, below its account and below one's own."""
    route = ROUTES[path]
    assert isinstance(route, Item)
    if len(route.models) == 1:
        yield from (client.get(url(path, key)) for key in keys_for(path, route, victim))
        return
    aliases = CallAlias.objects.values_list("pk", flat=True)
    for key in (*keys_for(path, route, victim), *aliases, row(victim, Leg).uuid):
        yield client.get(url(path, own, key))
        yield client.get(url(path, victim.account.pk, key))


def keys_for(path: str, route: Item, victim: Tenant) -> list[Any]:
    """The ids of what the route is about, and some of all the others: other ones for each route."""
    begin = ITEMS.index(path) % OTHER_IDS
    others = victim.ids[begin::OTHER_IDS]
    return [*(victim.rows[model].pk for model in route.models), *others]


@pytest.mark.parametrize("kind", ["stranger", "child"])
def test_nothing_of_another_tenant_can_be_written(victim: Tenant, kind: str) -> None:
    outsider = make_outsider(kind, victim)
    before = snapshot()
    for path in ITEMS:
        route = ROUTES[path]
        assert isinstance(route, Item)
        keys = [victim.rows[model].pk for model in route.models]
        for client in clients(outsider, path):
            for method in WRITING:
                answer = client.generic(
                    method, url(path, *keys), "post=yes", "application/x-www-form-urlencoded"
                )
                refused = is_refusal(path, answer.status_code) or answer.status_code == 405
                assert refused, (method, path, answer.status_code)
                assert MARK not in body_of(answer), path
    assert snapshot() == before


def test_pages_for_operators_are_refused_to_tenants(victim: Tenant) -> None:
    browser = signed_in(victim.user)
    for path in OPERATORS:
        answer = browser.get(url(path, 1))
        assert answer.status_code in (302, 403, 404), path
        assert answer.status_code != 302 or answer.content == b"", path


@pytest.mark.parametrize("kind", OUTSIDERS)
def test_pages_show_nothing_of_another_tenant(victim: Tenant, kind: str) -> None:
    outsider = make_outsider(kind, victim)
    key = victim.account.pk.hex
    questions = [{}, {"q": SEARCH, "s": SEARCH}, {"account__id__exact": key}, {"account": key, "e": "1"}]
    for path in PAGES:
        for client in clients(outsider, path):
            for question in questions:
                answer = client.get(url(path), question)
                assert answer.status_code < 500, path
                assert MARK not in body_of(answer), (path, question)


def test_nobody_sees_anything(victim: Tenant) -> None:
    for path, route in ROUTES.items():
        models = route.models if isinstance(route, Item) else ()
        answer = Client().get(url(path, *(victim.rows[model].pk for model in models)))
        assert MARK not in body_of(answer), path
        assert isinstance(route, Open) or answer.status_code in (302, 401, 404, 405), path


def test_own_account_does_not_tell_what_stands_above_it(victim: Tenant) -> None:
    child = make_outsider("child", victim)
    for path in ITEMS:
        route = ROUTES[path]
        if isinstance(route, Item) and route.models == (Account,):
            for client in clients(child, path):
                answer = client.get(url(path, child.account_id))
                assert answer.status_code == route.owner, path
                assert MARK not in body_of(answer), path


@pytest.mark.parametrize("kind", ["stranger", "child"])
def test_admin_offers_nothing_of_another_tenant_to_point_at(victim: Tenant, kind: str) -> None:
    browser = signed_in(make_outsider(kind, victim))
    asked = 0
    for model, model_admin in admin.site._registry.items():
        for name in model_admin.autocomplete_fields:
            where = {"app_label": model._meta.app_label, "model_name": f"{model._meta.model_name}"}
            query = where | {"field_name": name, "term": SEARCH}
            assert MARK not in body_of(browser.get("/admin/autocomplete/", query)), (model, name)
            asked += 1
    assert asked


@pytest.mark.parametrize("kind", ["stranger", "child"])
def test_actions_on_rows_of_another_tenant_do_nothing(victim: Tenant, kind: str) -> None:
    browser = signed_in(make_outsider(kind, victim))
    before = snapshot()
    for model, model_admin in admin.site._registry.items():
        if model not in victim.rows:
            continue
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for action in [
            "delete_selected",
            *(getattr(found, "__name__", found) for found in model_admin.actions or ()),
        ]:
            chosen = {"action": action, "_selected_action": [victim.rows[model].pk], "post": "yes"}
            assert MARK not in body_of(browser.post(path, chosen, follow=True)), (path, action)
    for call in (
        {"account": victim.account.pk},
        {"call": row(victim, Call).pk, "account": victim.account.pk},
    ):
        for path in ("/accounts/", "/quarantine/assign"):
            assert browser.post(path, call).status_code in (302, 400, 403, 404)
            assert MARK not in body_of(browser.get("/calls/"))
    assert snapshot() == before


def seen_by(user: User | None, model: type[Any]) -> set[uuid.UUID]:
    actor = actor_for(user) if user else None
    return set(model.objects.all().visible_to(actor).values_list("pk", flat=True))


def test_rows_are_visible_to_their_own_and_those_above_only(db: None) -> None:
    above = make.make_user(make.make_account("Above"))
    victim = make_tenant(f"{MARK} Ltd", parent=above.account)
    below = make.make_user(make.make_account("Below", parent=victim.account))
    beside = make.make_user(make.make_account("Beside", parent=above.account))
    stranger = make.make_user(make.make_account("Stranger"))
    for model in MAKERS:
        key = victim.rows[model].pk
        assert all(key in seen_by(user, model) for user in (victim.user, above, make.make_operator())), model
        assert not any(key in seen_by(user, model) for user in (below, beside, stranger, None)), model


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.REVIEWER, Role.AGENT])
def test_roles_below_an_administrator_never_see_more(victim: Tenant, role: Role) -> None:
    insider = make.make_user(victim.account, role)
    outsider = make.make_user(make.make_account("Beside"), role)
    for model in MAKERS:
        assert seen_by(insider, model) <= seen_by(victim.user, model), model
        assert victim.rows[model].pk not in seen_by(outsider, model), model


def test_rows_are_asked_for_in_the_two_base_views_only() -> None:
    found = [
        f"{path.relative_to(settings.BASE_DIR)}:{number}"
        for label in (*OURS, "database", "switch")
        for path in sorted((settings.BASE_DIR / label).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if ".visible_to(" in line
    ]
    assert len(found) == 2
    assert all(place.startswith("accounts/tenancy.py:") for place in found)
