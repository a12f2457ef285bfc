"""The demonstration's tenants as rows, and the switch that serves both."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.keys import find_key, issue_key
from accounts.models import Account, Device, PhoneNumber, Role, Switch, Team, User
from ccportal.demo.tenants import PASSWORD, TENANTS, DemoPerson, DemoTenant
from queues.models import Agent, Queue
from switch.esl.replay_audio import SWITCH_FOLDER

SWITCH_NAME: Final = "pbx1"
OPERATOR_EMAIL: Final = "operator@ccportal.example"


@transaction.atomic
def make_rows(recordings: Path, port: int) -> Switch:
    """Make what is not there yet; the switch's port is the present run's."""
    password = make_password(PASSWORD)
    for tenant in TENANTS:
        if not Account.objects.filter(name=tenant.name).exists():
            make_tenant(tenant, password)
    if not User.objects.filter(email=OPERATOR_EMAIL).exists():
        operator = User(email=OPERATOR_EMAIL, username="operator", name="Olga Operator", role=Role.OPERATOR)
        operator.password = password
        operator.is_superuser = True
        operator.save()
    switch, _ = Switch.objects.update_or_create(
        name=SWITCH_NAME,
        defaults={
            "host": "127.0.0.1",
            "port": port,
            "offnet_profiles": ["blueivr", "gateway"],
            "path_mapping": {str(SWITCH_FOLDER): str(recordings)},
        },
    )
    return switch


def make_tenant(tenant: DemoTenant, password: str) -> None:
    """Make an account with its people, phones, numbers and queues."""
    account = Account.objects.create(
        name=tenant.name,
        realm=tenant.realm,
        time_zone=tenant.time_zone,
        country=tenant.country,
        agents_may_listen=True,
    )
    teams = {name: Team.objects.create(account=account, name=name) for name in sorted(team_names(tenant))}
    for person in tenant.people:
        make_person(account, tenant, person, teams, password)
    for queue in tenant.queues:
        row = Queue.objects.create(account=account, name=queue.name, label=queue.label)
        row.teams.add(teams[queue.team])
        PhoneNumber.objects.create(account=account, number=f"+{queue.number}")
    PhoneNumber.objects.create(account=account, number=f"+{tenant.direct_prefix}1009")


def team_names(tenant: DemoTenant) -> set[str]:
    """Return the names of a tenant's teams."""
    return {queue.team for queue in tenant.queues}


def make_person(
    account: Account, tenant: DemoTenant, person: DemoPerson, teams: dict[str, Team], password: str
) -> None:
    """Make a user; an agent has a phone and a number of their own."""
    user = User.objects.create(
        account=account,
        email=tenant.email(person),
        username=person.username,
        name=person.name,
        role=Role(person.role),
        extension=person.extension,
        agent_name=person.extension,
        password=password,
    )
    user.teams.set([teams[person.team]] if person.team else [])
    if person.extension:
        phone = f"Phone {person.extension}"
        Device.objects.create(account=account, owner=user, name=phone, sip_username=person.extension)
        Agent.objects.create(account=account, name=person.extension, user=user, label=person.name)
        number = f"+{tenant.direct_prefix}{person.extension}"
        PhoneNumber.objects.create(account=account, number=number, owner=user)


def demo_api_key() -> str:
    """Return the first tenant's API key, made anew when the one kept in the data folder is of no use."""
    path: Path = settings.DATA_DIR / "api_key"
    kept = path.read_text(encoding="ascii").strip() if path.exists() else ""
    if kept and find_key(kept) is not None:
        return kept
    _, plain = issue_key(Account.objects.get(name=TENANTS[0].name), name="Demonstration")
    path.touch(mode=0o600)
    path.write_text(plain, encoding="ascii")
    return plain
