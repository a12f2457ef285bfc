"""Saved views: the filters of the calls list under a name, of a person or shared by an account."""

from __future__ import annotations

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import audit
from accounts.models import Account, User
from accounts.tenancy import Actor, TenantModel

LONGEST_NAME = 80
LONGEST_QUERY = 2000
MOST_VIEWS = 100


class SavedView(TenantModel):
    """A list's filters as its address says them; without a person it is the account's, for everyone.

    ``query`` is read anew each time: what it names may be gone, and a period like "last 7 days" moves on.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=LONGEST_NAME)
    query = models.CharField(max_length=LONGEST_QUERY, blank=True)
    shared_by = models.CharField(max_length=255, blank=True)
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = [F("person").asc(nulls_first=True), "name"]
        constraints = [
            models.UniqueConstraint(fields=["account", "person", "name"], name="savedview_unique_name"),
            models.UniqueConstraint(
                fields=["account", "name"], condition=Q(person=None), name="savedview_unique_shared_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_shared(self) -> bool:
        return self.person_id is None

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(person=None) | Q(person=actor.user_id)


class DefaultView(TenantModel):
    """The view that a person's calls list opens with."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "person"], name="defaultview_unique_person")
        ]

    def __str__(self) -> str:
        return f"{self.person_id} opens {self.view_id}"

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        return Q(person=actor.user_id)


class NotSaved(Exception):
    """Why a view cannot be kept so, in words for whoever asked."""


@transaction.atomic
def keep(view: SavedView, actor: Actor | None) -> None:
    """Store a view under its name; raise NotSaved."""
    list(Account.objects.select_for_update(no_key=True).filter(pk=view.account_id).values_list("pk"))
    others = SavedView.objects.filter(account=view.account, person=view.person).exclude(pk=view.pk)
    if others.filter(name=view.name).exists():
        raise NotSaved(f"There is a view “{view.name}” already.")
    if others.count() >= MOST_VIEWS:
        raise NotSaved(f"There are {MOST_VIEWS} views already. Delete one first.")
    view.shared_by = audit.clean(actor.label if actor else "")[:255] if view.is_shared else ""
    view.saved_at = timezone.now()
    view.save()
    note(view, actor, "view.share")


@transaction.atomic
def remove(view: SavedView, actor: Actor | None) -> None:
    note(view, actor, "view.delete")
    view.delete()


def note(view: SavedView, actor: Actor | None, action: str) -> None:
    """What a person keeps for themselves is nobody else's affair."""
    if view.is_shared:
        audit.record(actor, action, view, name=view.name, query=view.query)


def open_with(view: SavedView | None, account: Account, person: User) -> None:
    """Let a person's list open with the view, or with all calls again."""
    if view is None:
        DefaultView.objects.filter(account=account, person=person).delete()
    else:
        DefaultView.objects.update_or_create(account=account, person=person, defaults={"view": view})
