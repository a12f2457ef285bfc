"""Whose rows are whose: the one way from a person to rows, and the two base views that go it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models
from django.db.models import Q

M = TypeVar("M", bound=models.Model)

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.views.generic.base import View
    from rest_framework.generics import GenericAPIView

    _HttpView = View
    _ApiView = GenericAPIView[Any]
else:
    _HttpView = object
    _ApiView = object


@dataclass(frozen=True)
class Actor:
    """Who asks: a person or a program, the accounts it reaches, and what narrows it inside them."""

    role: str
    account_id: uuid.UUID | None = None
    account_ids: frozenset[uuid.UUID] = frozenset()
    user_id: uuid.UUID | None = None
    team_users: frozenset[uuid.UUID] = frozenset()
    team_queues: frozenset[str] = frozenset()
    agent_names: frozenset[str] = frozenset()
    label: str = ""
    address: str | None = None
    rights: frozenset[str] = field(default_factory=frozenset)

    @property
    def sees_everything(self) -> bool:
        return self.role == "operator"

    @property
    def sees_whole_accounts(self) -> bool:
        return self.role in ("operator", "admin")

    def may(self, action: str) -> bool:
        return action in self.rights

    def reaches(self, account_id: uuid.UUID | None) -> bool:
        """Whether rows of the account can be this actor's; None is quarantine."""
        return self.sees_everything or account_id in self.account_ids


class TenantQuerySet(models.QuerySet[M]):
    """Rows of tenants; nothing is visible without an actor."""

    def visible_to(self, actor: Actor | None) -> Self:
        if actor is None:
            return self.none()
        if actor.sees_everything:
            return self
        model: Any = self.model
        rows = self.filter(**{f"{model.account_path}__in": actor.account_ids})
        return rows if actor.sees_whole_accounts else rows.filter(model.team_scope(actor))


class TenantModel(models.Model):
    """A row that belongs to an account; ``account_path`` leads there from the model."""

    account_path = "account"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        """What of an account's rows a supervisor, reviewer or agent sees; by default nothing."""
        return Q(pk__in=[])


class TenantView(_HttpView):
    """Base of every portal page: ``visible(Model)`` is the only way to rows."""

    request: HttpRequest

    @property
    def actor(self) -> Actor | None:
        return getattr(self.request, "actor", None)

    def visible(self, model: type[M]) -> TenantQuerySet[M]:
        rows: TenantQuerySet[M] = model._default_manager.all()  # type: ignore[assignment]
        return rows.visible_to(self.actor)


class TenantAPIView(_ApiView):
    """Base of every /v2 view: ``visible(Model)`` is the only way to rows."""

    @property
    def actor(self) -> Actor | None:
        return getattr(self.request, "actor", None)

    def visible(self, model: type[M]) -> TenantQuerySet[M]:
        rows: TenantQuerySet[M] = model._default_manager.all()  # type: ignore[assignment]
        return rows.visible_to(self.actor)
