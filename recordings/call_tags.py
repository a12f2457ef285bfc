"""Tags: short words that people give a call and all its recordings; a recording without one has its own."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping

from django.db import connection, models
from django.db.models import F, OuterRef, Q, Subquery

from accounts.models import Account
from accounts.tenancy import Actor, TenantModel
from cdr.models import Call

LONGEST_TAG = 64
MOST_TAGS = 100
NAMES_AT_MOST = 200
# A list of all names in order that steps from one to the next along the index, however often each is used.
NAMES_FROM = """
WITH RECURSIVE found(name, number) AS (
    SELECT (SELECT min(name) FROM recordings_tag WHERE account_id = %(account)s AND name >= %(first)s), 1
    UNION ALL
    SELECT
        (SELECT min(name) FROM recordings_tag WHERE account_id = %(account)s AND name > found.name),
        number + 1
    FROM found WHERE found.name IS NOT NULL AND number < %(most)s
) SELECT name FROM found WHERE name IS NOT NULL
"""


class Tag(TenantModel):
    """One tag of a call, or of a recording that has none.

    ``started_at`` repeats when that began: the calls of a tag are read along an index, newest first.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    call = models.ForeignKey(Call, null=True, on_delete=models.CASCADE, related_name="tags")
    recording = models.ForeignKey(
        "recordings.Recording", null=True, on_delete=models.CASCADE, related_name="own_tags"
    )
    name = models.CharField(max_length=LONGEST_TAG)
    started_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["call", "name"], name="tag_unique_of_call"),
            models.UniqueConstraint(fields=["recording", "name"], name="tag_unique_of_recording"),
            models.CheckConstraint(
                condition=Q(call__isnull=False, recording=None) | Q(call=None, recording__isnull=False),
                name="tag_has_one_owner",
            ),
        ]
        indexes = [
            models.Index(
                "account", "name", F("started_at").desc(), F("call").desc(), name="tag_account_name_started"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def team_scope(cls, actor: Actor) -> Q:
        from recordings.models import Recording

        return Q(call__in=Call.objects.filter(Call.team_scope(actor))) | Q(
            recording__in=Recording.objects.filter(Recording.team_scope(actor))
        )


def names_in(account: Account, first: str = "", most: int = NAMES_AT_MOST) -> list[str]:
    """The account's tags in order, from one on."""
    key = account.pk if connection.vendor == "postgresql" else account.pk.hex
    with connection.cursor() as cursor:
        cursor.execute(NAMES_FROM, {"account": key, "first": first, "most": most})
        return [name for (name,) in cursor.fetchall()]


def move_tags(absorbed: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Tags go along when one call turns out to be part of another; what both have stays once."""
    for old, new in absorbed.items():
        there = Tag.objects.filter(call=new).values("name")
        Tag.objects.filter(call=old).exclude(name__in=list(there.values_list("name", flat=True))).update(
            call=new
        )


def follow_calls(call_ids: Collection[uuid.UUID]) -> None:
    """Tags of calls that prove to have begun at another time go to their new place in the lists."""
    began = Call.objects.filter(pk=OuterRef("call")).values("started_at")
    moved = Tag.objects.filter(call__id__any_of=list(call_ids)).exclude(started_at=F("call__started_at"))
    keys = list(moved.order_by().values_list("pk", flat=True))
    if keys:
        Tag.objects.filter(pk__in=keys).update(started_at=Subquery(began))


def give_to_calls(recording_ids: Collection[uuid.UUID]) -> None:
    """What recordings had of their own is their call's once they have one."""
    own = Tag.objects.filter(recording__id__any_of=list(recording_ids), recording__call__isnull=False)
    for tag in own.select_related("recording__call"):
        call = tag.recording.call if tag.recording else None
        if call is not None and call.account_id == tag.account_id:
            Tag.objects.get_or_create(
                call=call,
                name=tag.name,
                defaults={"account_id": tag.account_id, "started_at": call.started_at},
            )
            tag.delete()
