"""Comments on a call as its page shows them, and the form that they are written in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django import forms

from accounts.tenancy import Actor
from ccportal.portal.clock import duration
from ccportal.portal.switches import Clock, Moment
from ccportal.portal.timeline import Scale
from ccportal.portal.wording import on_one_line
from reviews.commenting import may_change, may_remove
from reviews.models import LONGEST_COMMENT, Comment

CLOCK = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,5})", re.ASCII)
MINUTE = 60
HOUR = 3600
LONGEST_NAME_SHOWN = 60


@dataclass(frozen=True)
class Remark:
    """A comment in words; ``offset_ms`` is on the call's clock, ``number`` that of its pin."""

    key: str
    number: int
    offset_ms: int | None
    x: str
    who: str
    text: str
    written: Moment
    is_changed: bool
    may_change: bool
    may_remove: bool

    @property
    def at(self) -> str:
        return duration(self.offset_ms)

    @property
    def pin(self) -> str:
        """What the pin says to those who do not see it."""
        return f"Comment {self.number} at {self.at}, by {self.who}"


def remarks_of(comments: Iterable[Comment], scale: Scale, actor: Actor | None, clock: Clock) -> list[Remark]:
    """Number those that are about a moment, in the order of the call."""
    found, pinned = [], 0
    for comment in comments:
        pinned += comment.at is not None
        found.append(remark_of(comment, pinned if comment.at else 0, scale, actor, clock))
    return found


def remark_of(comment: Comment, number: int, scale: Scale, actor: Actor | None, clock: Clock) -> Remark:
    who = on_one_line(str(comment.author) if comment.author else comment.author_name)
    return Remark(
        key=comment.pk.hex,
        number=number,
        offset_ms=scale.offset(comment.at) if comment.at else None,
        x=f"{scale.percent(comment.at):.3f}%" if comment.at else "",
        who=who if len(who) <= LONGEST_NAME_SHOWN else who[:LONGEST_NAME_SHOWN].rstrip() + "…",
        text=comment.text,
        written=clock.since(comment.written_at),
        is_changed=comment.changed_at is not None,
        may_change=may_change(actor, comment),
        may_remove=may_remove(actor, comment),
    )


class CommentForm(forms.Form):
    """``at`` is on the call's clock as people write it, 4:06; without it it is about the whole call."""

    text = forms.CharField(
        max_length=LONGEST_COMMENT,
        error_messages={
            "required": "Write what there is to say.",
            "max_length": "A comment has at most %(limit_value)d characters; this has %(show_value)d.",
        },
    )
    at = forms.CharField(max_length=16, required=False)

    def clean_at(self) -> timedelta | None:
        told = self.cleaned_data["at"].strip()
        match = CLOCK.fullmatch(told)
        if told and not match:
            raise forms.ValidationError("Write the time as 4:06 or 1:02:03, or leave it empty.")
        if not match:
            return None
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return timedelta(seconds=hours * HOUR + minutes * MINUTE + seconds)

    @property
    def complaint(self) -> str:
        """What to do about what is wrong with it."""
        return " ".join(str(error) for errors in self.errors.values() for error in errors)
