"""Giving tags to calls and taking them away, on record."""

from __future__ import annotations

import unicodedata
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from django.db import transaction
from django.db.models import Q

from accounts import audit
from accounts.tenancy import Actor
from cdr.models import Call
from recordings.call_tags import LONGEST_TAG, MOST_TAGS, Tag
from recordings.models import Recording

Tagged = Call | Recording


class TooManyTags(Exception):
    """So many tags are on one call already."""


def tag_named(text: str) -> str:
    """A tag as it is kept: one line, no double spaces; empty when nothing is left or it is too long."""
    plain = "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in text)
    name = audit.clean(" ".join(plain.split()))
    return name if len(name) <= LONGEST_TAG else ""


def owner_of(recording: Recording) -> Tagged:
    """What has a recording's tags: its call, if there is one."""
    return recording.call or recording


def tags_of(tagged: Tagged) -> list[str]:
    return list(Tag.objects.filter(is_of(tagged)).order_by("name").values_list("name", flat=True))


def is_of(tagged: Tagged) -> Q:
    return Q(call=tagged) if isinstance(tagged, Call) else Q(recording=tagged)


@transaction.atomic
def set_tags(tagged: Tagged, names: Sequence[str], actor: Actor | None) -> None:
    """Let these be its tags and no others."""
    before = tags_of(tagged)
    change_tags([tagged], [name for name in names if name not in before], set(before) - set(names), actor)


@transaction.atomic
def change_tags(
    many: Iterable[Tagged], added: Iterable[str], removed: Collection[str], actor: Actor | None
) -> int:
    """Add and remove tags; return of how many things. Raise TooManyTags, and then change nothing."""
    found = [each for each in many if each.account_id]
    names = list(dict.fromkeys(added))
    kinds = ([each for each in found if isinstance(each, kind)] for kind in (Call, Recording))
    return sum(change_kind(some, names, set(removed) - set(names), actor) for some in kinds if some)


def change_kind(
    some: Sequence[Tagged], added: Sequence[str], removed: Collection[str], actor: Actor | None
) -> int:
    """Change things of one kind: a query for all of them, not one for each."""
    owner = some[0]._meta.model_name or ""
    rows = Tag.objects.filter(**{f"{owner}__in": [each.pk for each in some]})
    there: defaultdict[uuid.UUID, set[str]] = defaultdict(set)
    for key, name in rows.order_by().values_list(f"{owner}_id", "name"):
        there[key].add(name)
    changed = [each for each in some if there[each.pk] & set(removed) or set(added) - there[each.pk]]
    if any(len(there[each.pk] - set(removed) | set(added)) > MOST_TAGS for each in changed):
        raise TooManyTags
    if removed:
        rows.filter(name__in=removed).delete()
    new = [
        Tag(account_id=account, name=name, started_at=each.started_at, **{owner: each})
        for each in changed
        if (account := each.account_id)
        for name in added
        if name not in there[each.pk]
    ]
    Tag.objects.bulk_create(new, ignore_conflicts=True, batch_size=500)
    audit.record_each(actor, f"{owner}.tag", changed, added=added, removed=sorted(removed))
    return len(changed)
