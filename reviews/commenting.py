"""Writing, changing and removing comments, on record."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import Action
from accounts.tenancy import Actor
from cdr.models import Call
from reviews.models import LONGEST_COMMENT, Comment

# Line ends and tabs stay; other control characters do nothing but harm.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
LONGEST_NAME = 255


class NotAComment(ValueError):
    """There is nothing said, or too much; the text tells the person which."""


def may_change(actor: Actor | None, comment: Comment) -> bool:
    """Nobody but the author puts words into a comment."""
    return bool(actor and actor.may(Action.COMMENT) and actor.user_id and comment.author_id == actor.user_id)


def may_remove(actor: Actor | None, comment: Comment) -> bool:
    """The author, and those who look after the account."""
    return may_change(actor, comment) or bool(actor and actor.may(Action.DELETE))


@transaction.atomic
def write(call: Call, actor: Actor, text: str, at: datetime | None = None) -> Comment:
    """Keep what the actor says about the call, or about a moment of it; raise NotAComment."""
    comment = Comment(
        call=call,
        author_id=actor.user_id,
        author_name=audit.clean(actor.label)[:LONGEST_NAME],
        text=said(text),
        at=at,
    )
    comment.save(force_insert=True)
    audit.record(actor, "comment.write", comment, call=call.pk.hex)
    return comment


@transaction.atomic
def change(comment: Comment, actor: Actor, text: str, at: datetime | None) -> None:
    """Say it otherwise, or about another moment; raise NotAComment."""
    comment.text, comment.at, comment.changed_at = said(text), at, timezone.now()
    comment.save(update_fields=["text", "at", "changed_at"])
    audit.record(actor, "comment.change", comment, call=comment.call_id.hex)


@transaction.atomic
def remove(comment: Comment, actor: Actor) -> None:
    audit.record(actor, "comment.delete", comment, call=comment.call_id.hex, author=comment.author_name)
    comment.delete()


def said(text: str) -> str:
    """The text as it is kept: line ends as one character, nothing unprintable; raise NotAComment."""
    told = audit.clean(text).replace("\r\n", "\n").replace("\r", "\n")
    told = UNPRINTABLE.sub("", told).strip()
    if not told:
        raise NotAComment("Write what there is to say.")
    if len(told) > LONGEST_COMMENT:
        raise NotAComment(f"A comment has at most {LONGEST_COMMENT:,} characters; this has {len(told):,}.")
    return told
