"""The tags of a call, shown and changed on its page and in the drawer."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts.access import Action
from ccportal.portal.page import PortalView
from cdr.models import Call
from recordings.call_tags import LONGEST_TAG, MOST_TAGS, names_in
from recordings.models import Tag
from recordings.tagging import TooManyTags, change_tags, tag_named, tags_of

TOO_LONG = f"A tag has {LONGEST_TAG} characters at most."
TOO_MANY = f"A call has {MOST_TAGS} tags at most."


def tags_by_call(tags: QuerySet[Tag], calls: Iterable[Call]) -> dict[uuid.UUID | None, list[str]]:
    found: defaultdict[uuid.UUID | None, list[str]] = defaultdict(list)
    rows = tags.filter(call__in=[call.pk for call in calls]).order_by("name")
    for call, name in rows.values_list("call_id", "name"):
        found[call].append(name)
    return found


def editor_of(call: Call, *, may_tag: bool) -> dict[str, Any]:
    """What the part with a call's tags shows, and the account's tags to choose from."""
    edits = may_tag and call.account is not None
    return {
        "tags": tags_of(call),
        "may_tag": edits,
        "tag_names": names_in(call.account) if edits and call.account else [],
        "longest_tag": LONGEST_TAG,
    }


class CallTagsView(PortalView):
    """Give a call a tag, or take one away."""

    section = "calls"

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            self.call = self.visible(Call).select_related("account").filter(pk=kwargs["id"]).first()
            if self.call is None:
                raise Http404("There is no such call.")
            if not (self.actor and self.actor.may(Action.TAG)):
                raise PermissionDenied("Your account does not let you tag calls.")
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
        problem = self.change(request.POST.get("add", ""), request.POST.getlist("remove"))
        if request.htmx:  # type: ignore[attr-defined]
            return self.part(problem)
        if problem:
            messages.error(request, problem)
        return redirect(f"{reverse('call', kwargs={'id': id})}#tags")

    def change(self, written: str, removed: list[str]) -> str:
        """Change the tags; return what went wrong."""
        name = tag_named(written)
        if written.strip() and not name:
            return TOO_LONG
        try:
            change_tags([self.call] if self.call else [], [name] if name else [], removed, self.actor)
        except TooManyTags:
            return TOO_MANY
        return ""

    def part(self, problem: str) -> HttpResponse:
        if self.call is None:
            raise Http404("There is no such call.")
        editor = editor_of(self.call, may_tag=True)
        current = self.request.htmx.current_url or ""  # type: ignore[attr-defined]
        beside_list = urlsplit(current).path == reverse("calls")
        return self.show(
            "portal/tags.html", call=self.call, problem=problem, is_fresh=True, row=beside_list, **editor
        )
