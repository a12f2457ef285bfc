"""Comments on a call, written, changed and deleted on its page."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.access import Action
from accounts.tenancy import Actor
from ccportal.portal.call import CallView
from ccportal.portal.remarks import CommentForm
from cdr.models import Call, CallAlias
from reviews.commenting import NotAComment, change, may_change, may_remove, remove, write
from reviews.models import Comment


class CommentsView(CallView):
    """A new comment; the page is shown again with what was written where something is wrong with it."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: Any) -> HttpResponseBase:
        self.id = kwargs["id"]
        if request.user.is_authenticated and self.actor:
            if self.found is None:
                raise Http404("There is no such call.")
            if not self.actor.may(Action.COMMENT):
                raise PermissionDenied("Your account does not let you comment on calls.")
        return super().dispatch(request, *args, **kwargs)

    @cached_property
    def found(self) -> Call | None:
        """The call, or the one it became part of while somebody wrote."""
        calls = self.visible(Call).select_related("account", "switch", "user")
        heirs = CallAlias.objects.filter(pk=self.id).values("call")
        return calls.filter(pk=self.id).first() or calls.filter(pk__in=heirs).first()

    @property
    def call(self) -> Call:
        if self.found is None:
            raise Http404("There is no such call.")
        return self.found

    @property
    def writer(self) -> Actor:
        if self.actor is None:
            raise PermissionDenied
        return self.actor

    def get(self, request: HttpRequest, id: uuid.UUID, **_: uuid.UUID) -> HttpResponse:  # noqa: A002
        return redirect("call", id=self.call.pk)

    def post(self, request: HttpRequest, id: uuid.UUID, **_: uuid.UUID) -> HttpResponse:  # noqa: A002
        self.form = CommentForm(request.POST)
        try:
            if self.form.is_valid():
                self.keep(self.form.cleaned_data["text"], self.moment(self.form.cleaned_data["at"]))
                return self.answer(CommentForm())
        except NotAComment as reason:
            self.form.add_error("text", str(reason))
        return self.answer(self.form)

    def keep(self, text: str, at: datetime | None) -> None:
        write(self.call, self.writer, text, at)

    def moment(self, offset: timedelta | None) -> datetime | None:
        """A moment of the call: none after its end."""
        if offset is None:
            return None
        return min(self.call.started_at + offset, max(self.end, self.call.started_at))

    @property
    def end(self) -> datetime:
        """When the call or the last of its recordings ended."""
        stops = self.call.recordings.order_by().values_list("stopped_at", flat=True)
        return max(filter(None, [self.call.ended_at or timezone.now(), *stops]))

    def answer(self, form: CommentForm) -> HttpResponse:
        """The comments anew, beside a page that goes on playing; without script the page."""
        if getattr(self.request, "htmx", False):
            return self.show("portal/comments_anew.html", **self.common(self.call), **self.commenting(form))
        if form.errors:
            return self.whole_page(self.call, form, status=400)
        return redirect(reverse("call", kwargs={"id": self.call.pk}) + "#comments")


class CommentView(CommentsView):
    """A comment said otherwise, by who wrote it."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: Any) -> HttpResponseBase:
        rows = self.visible(Comment).select_related("call", "author")
        self.comment = rows.filter(pk=kwargs["comment"]).first()
        if request.user.is_authenticated and self.comment is None:
            raise Http404("There is no such comment.")
        return super().dispatch(request, *args, **kwargs)

    @property
    def theirs(self) -> Comment:
        """The comment, which is of this call."""
        if self.comment is None or self.comment.call_id != self.call.pk:
            raise Http404("There is no such comment.")
        return self.comment

    def keep(self, text: str, at: datetime | None) -> None:
        if not may_change(self.writer, self.theirs):
            raise PermissionDenied("Only who wrote a comment changes it.")
        change(self.theirs, self.writer, text, at)

    def commenting(self, form: CommentForm) -> dict[str, Any]:
        return super().commenting(form) | {"changing": self.theirs.pk.hex if form.errors else ""}


class DeleteCommentView(CommentView):
    def post(self, request: HttpRequest, id: uuid.UUID, **_: uuid.UUID) -> HttpResponse:  # noqa: A002
        if not may_remove(self.writer, self.theirs):
            raise PermissionDenied("Only who wrote a comment, or looks after the account, deletes it.")
        remove(self.theirs, self.writer)
        return self.answer(CommentForm())

    def commenting(self, form: CommentForm) -> dict[str, Any]:
        return super(CommentView, self).commenting(form)
