"""What is done to many calls of the list at once: tags, holds, reviews."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.access import Action
from accounts.models import User
from ccportal.portal.calls import MOST_AT_ONCE, SearchingView
from ccportal.portal.filters import Filters
from ccportal.portal.page import read_id
from ccportal.portal.reviewing import give, may_assign, may_review, read_wish
from ccportal.portal.searching import counted_by
from ccportal.portal.tags import TOO_LONG, TOO_MANY
from ccportal.portal.wording import on_one_line
from cdr.models import Call
from cdr.search import PAGE_SIZE, matching
from recordings.holding import hold_calls
from recordings.tagging import TooManyTags, change_tags, tag_named
from reviews.assigning import finish

LONGEST_BACK = 4000
TOO_MANY_CALLS = f"At most {MOST_AT_ONCE:,} calls at once: choose a shorter period or more filters."
RIGHTS = {
    "tag": Action.TAG,
    "untag": Action.TAG,
    "hold": Action.HOLD,
    "assign": Action.ASSIGN_REVIEWS,
    "done": Action.COMMENT,
}


class BulkView(SearchingView):
    """Do something to the ticked calls, or to all that the list's filters let through."""

    section = "calls"

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("calls")

    @property
    def filters_asked(self) -> Filters:
        query = QueryDict(self.request.POST.get("list", "").lstrip("?"))
        return Filters.read(query, self.zone, timezone.now())

    def post(self, request: HttpRequest) -> HttpResponse:
        what = self.asked()
        if what not in RIGHTS:
            messages.error(request, "Choose what to do with the calls.")
        elif not self.may(what):
            raise PermissionDenied("Your account does not let you do this with calls.")
        elif calls := self.calls():
            self.act(what, calls)
        back = QueryDict(request.POST.get("back", "")[:LONGEST_BACK]).urlencode()
        return redirect(f"{reverse('calls')}?{back}" if back else reverse("calls"))

    def asked(self) -> str:
        """What the button says; Enter in a field means that field's own."""
        what = self.request.POST.get("do", "")
        fields = {"tag": "tag", "reason": "hold", "reviewer": "assign"}
        return (
            next((deed for name, deed in fields.items() if self.text(name)), "") if what == "enter" else what
        )

    def text(self, name: str) -> str:
        return on_one_line(self.request.POST.get(name, "")).strip()

    def may(self, what: str) -> bool:
        if what == "assign":
            return may_assign(self.actor)
        if what == "done":
            return may_review(self.actor)
        return bool(self.actor and self.actor.may(RIGHTS[what]))

    def calls(self) -> list[Call]:
        """The calls that are meant; none, and the reason told, when these are none or too many."""
        rows = self.rows(Call).select_related("account")
        if "all" in self.request.POST:
            filters = self.filters_asked
            wanted = self.wanted_of(filters, counted_by(filters, self.rows))
            found = {
                call.pk: call
                for some in matching(rows, wanted)
                for call in some.order_by("-started_at", "-id")[: MOST_AT_ONCE + 1]
            }
            calls = list(found.values())
        else:
            keys = (read_id(text) for text in self.request.POST.getlist("call")[:PAGE_SIZE])
            calls = list(rows.filter(pk__in=[key for key in keys if key]))
        if not calls:
            messages.error(self.request, "Tick the calls first.")
        if len(calls) > MOST_AT_ONCE:
            messages.error(self.request, TOO_MANY_CALLS)
            return []
        return calls

    def act(self, what: str, calls: Sequence[Call]) -> None:
        done, told = {
            "tag": self.tag,
            "untag": self.tag,
            "hold": self.hold,
            "assign": self.assign,
            "done": self.finish,
        }[what](calls, what)
        (messages.success if done else messages.error)(self.request, told)

    def tag(self, calls: Sequence[Call], what: str) -> tuple[bool, str]:
        written = self.request.POST.get("tag", "")
        name = tag_named(written)
        if not name:
            return False, TOO_LONG if written.strip() else "Write the tag."
        try:
            count = change_tags(calls, *(([name], []) if what == "tag" else ([], [name])), self.actor)
        except TooManyTags:
            return False, TOO_MANY
        deed = "Tagged" if what == "tag" else "Tag taken from"
        return True, f"{deed} {counted(count)}: {on_one_line(name)}"

    def hold(self, calls: Sequence[Call], _: str) -> tuple[bool, str]:
        reason = self.text("reason")
        if not reason:
            return False, "Say why they must stay."
        return True, f"On hold from now on: {counted(hold_calls(calls, self.actor, reason))}."

    def assign(self, calls: Sequence[Call], _: str) -> tuple[bool, str]:
        count, told = give(calls, read_wish(self.request, self.visible(User), self.chosen), self.actor)
        return bool(count), told

    def finish(self, calls: Sequence[Call], _: str) -> tuple[bool, str]:
        return True, f"Reviewed: {counted(sum(finish(call, self.actor) for call in calls))}."


def counted(number: int) -> str:
    return f"{number:,} call{'' if number == 1 else 's'}"
