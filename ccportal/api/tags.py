"""The tags of calls and recordings, as lists show and look for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q

from ccportal.api.columns import Column, Gathered, Kind, reading
from recordings.models import Recording, Tag


def tags_seen(view: Any, path: str) -> Prefetch[Any]:
    """What ``tags_of_call`` and ``tags_of_recording`` read."""
    return Prefetch(path, view.visible(Tag).order_by("name"), to_attr="seen_tags")


def tags_of_call(call: Any) -> list[str]:
    return [tag.name for tag in call.seen_tags]


def tags_of_recording(recording: Recording) -> list[str]:
    return tags_of_call(recording.call or recording)


def tags_of_calls(view: Any, keys: Sequence[tuple[Any, ...]]) -> list[list[str]]:
    found = gathered_tags(view, "call", [call for (call,) in keys])
    return [found.get(call, []) for (call,) in keys]


def tags_of_recordings(view: Any, keys: Sequence[tuple[Any, ...]]) -> list[list[str]]:
    """Of recordings with their call, if there is one."""
    of_calls = gathered_tags(view, "call", [call for _, call in keys if call])
    own = gathered_tags(view, "recording", [recording for recording, call in keys if not call])
    return [of_calls.get(call, []) if call else own.get(recording, []) for recording, call in keys]


def gathered_tags(view: Any, owner: str, keys: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if keys:
        rows = view.visible(Tag).filter(**{f"{owner}__id__any_of": keys}).order_by("name")
        for key, name in rows.values_list(f"{owner}_id", "name"):
            found.setdefault(key.hex, []).append(name)
    return found


def of_call(owner: str, **named: Any) -> Q:
    """That there is a tag; the account in it is what leads the database to the tag's own index."""
    return Q(Exists(Tag._default_manager.filter(call=OuterRef(owner), account=OuterRef("account"), **named)))


def of_recording(**named: Any) -> Q:
    own = Tag._default_manager.filter(recording=OuterRef("pk"), account=OuterRef("account"), **named)
    return of_call("call", **named) | Q(Exists(own))


CALL_TAGS = Column(
    "tags",
    Kind.LIST,
    tags_of_call,
    lambda name: of_call("pk", name=name),
    of_call("pk"),
    about="What people gave the call",
    gathered=Gathered(("id",), reading(tags_of_calls)),
)
TAGS = Column(
    "tags",
    Kind.LIST,
    tags_of_recording,
    lambda name: of_recording(name=name),
    of_recording(),
    about="Its call's; its own where it has no call",
    gathered=Gathered(("id", "call_id"), reading(tags_of_recordings)),
)
