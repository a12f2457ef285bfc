"""Who asks: a person who signed in, or a program with a key, as an ``Actor``."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from accounts.access import rights_of
from accounts.models import Account, ApiKey, AuthToken, Role, Team, User, UserQuerySet
from accounts.tenancy import Actor

LEADING_ROLES = (Role.SUPERVISOR, Role.REVIEWER)
KEY_LABEL = "API key"


@dataclass(frozen=True)
class Scope:
    """The people, queues and agents that someone below an administrator has to do with."""

    users: frozenset[uuid.UUID] = frozenset()
    queues: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()


def actor_for(user: User, address: str | None = None) -> Actor | None:
    """The actor a person is, or None for one who may not sign in (any more)."""
    if not may_sign_in(user):
        return None
    scope = scope_of(user)
    return Actor(
        role=user.role,
        account_id=user.account_id,
        account_ids=reached_by(user.role, user.account),
        user_id=user.pk,
        team_users=scope.users,
        team_queues=scope.queues,
        agent_names=scope.agents,
        label=user.email,
        address=address,
        rights=frozenset(rights_of(user.role, user.account)),
    )


def actor_for_api_key(key: ApiKey, address: str | None = None) -> Actor | None:
    """The actor a program is; the team of a supervisor's or reviewer's key is everyone in the account."""
    if not key.is_valid:
        return None
    scope = whole_account(key.account) if key.role in LEADING_ROLES else Scope()
    return Actor(
        role=key.role,
        account_id=key.account_id,
        account_ids=reached_by(key.role, key.account),
        team_users=scope.users,
        team_queues=scope.queues,
        agent_names=scope.agents,
        label=f"{KEY_LABEL} {key.name} ({key.prefix})",
        address=address,
        rights=frozenset(rights_of(key.role, key.account)),
    )


def actor_for_token(token: AuthToken, address: str | None = None) -> Actor | None:
    """The actor of the person or key that the token was given to."""
    if token.user:
        return actor_for(token.user, address)
    return actor_for_api_key(token.api_key, address) if token.api_key else None


def may_sign_in(user: User) -> bool:
    return user.is_active and (user.role == Role.OPERATOR or bool(user.account and user.account.enabled))


def reached_by(role: str, account: Account | None) -> frozenset[uuid.UUID]:
    """The account, and for its administrators everything below it."""
    if account is None:
        return frozenset()
    if role != Role.ADMIN:
        return frozenset({account.pk})
    return frozenset(Account.objects.tree_of(account).values_list("pk", flat=True))


def scope_of(user: User) -> Scope:
    """The team of who leads or reviews one, and what is an agent's own."""
    if user.role in (Role.OPERATOR, Role.ADMIN):
        return Scope()
    own = User.objects.filter(pk=user.pk)
    if user.role not in LEADING_ROLES:
        return Scope(agents=agent_names_of(own))
    teams = Team.objects.filter(members=user, account=user.account_id)
    people = User.objects.filter(teams__in=teams, account=user.account_id)
    queues = teams.filter(queues__account=user.account_id).values_list("queues__name", flat=True)
    return Scope(
        users=frozenset(people.values_list("pk", flat=True)),
        queues=frozenset(queues),
        agents=agent_names_of(people) | agent_names_of(own),
    )


def whole_account(account: Account) -> Scope:
    people = User.objects.filter(account=account)
    accounts = Account.objects.filter(pk=account.pk)
    return Scope(
        users=frozenset(people.values_list("pk", flat=True)),
        queues=named(accounts.values_list("queues__name", flat=True)),
        agents=agent_names_of(people) | named(accounts.values_list("agents__name", flat=True)),
    )


def agent_names_of(people: UserQuerySet) -> frozenset[str]:
    """The names that the switch's queues have for people: written at the person, or at the agent."""
    rows = people.values_list("agent_name", "agents__name")
    return named(name for row in rows for name in row)


def named(names: Iterable[str | None]) -> frozenset[str]:
    return frozenset(name for name in names if name)
