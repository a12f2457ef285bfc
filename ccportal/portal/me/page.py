"""My account: who one is, the password, the second step and the open sessions on one page."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from accounts import audit
from accounts.audit import address_of
from accounts.backends import checked_password
from accounts.models import BrowserSession, RecoveryCode
from accounts.second_step import has_second_step, is_required_of
from accounts.sessions import begin_session, end_sessions, open_sessions
from accounts.throttle import SignInThrottled
from ccportal.portal.me.forms import PasswordForm
from ccportal.portal.page import PortalView
from ccportal.portal.switches import Clock


class MeView(PortalView):
    section = "me"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(PasswordForm(self.user))

    def page(self, form: PasswordForm, status: int = 200) -> HttpResponse:
        return self.show(
            "portal/me/page.html",
            status,
            form=form,
            has_second_step=has_second_step(self.user),
            is_required=is_required_of(self.user),
            codes_left=RecoveryCode.objects.filter(user=self.user).count(),
            sessions=self.sessions(),
        )

    def sessions(self) -> list[dict[str, Any]]:
        clock = Clock(timezone.now(), self.zone)
        here = self.request.session.session_key
        return [
            {
                "id": row.pk,
                "browser": row.browser,
                "address": row.address or "",
                "since": clock.at(row.signed_in_at),
                "seen": clock.since(row.last_seen_at),
                "is_this": row.session_key == here,
            }
            for row in open_sessions(self.user)
        ]


@method_decorator(
    sensitive_post_parameters("old_password", "new_password1", "new_password2"), name="dispatch"
)
class PasswordView(MeView):
    """A new password; every other session ends with the old one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("me")

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PasswordForm(self.user, request.POST)
        try:
            checked_password(self.user, request.POST.get("old_password", ""), address_of(request))
        except SignInThrottled as pause:
            messages.error(request, str(pause))
            return self.page(PasswordForm(self.user), status=429)
        if not form.is_valid():
            return self.page(form, status=400)
        form.save()
        update_session_auth_hash(request, self.user)
        begin_session(request, self.user, address_of(request))
        audit.record(self.actor, "password.change", self.user)
        messages.success(request, "Your password is changed. Every other browser and program is signed out.")
        return redirect("me")


class EndSessionView(MeView):
    def get(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # type: ignore[override]  # noqa: A002
        self.row(id)
        return redirect("me")

    def post(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
        row = self.row(id)
        end_sessions(BrowserSession.objects.filter(pk=row.pk))
        audit.record(self.actor, "session.end", self.user, browser=row.browser)
        messages.success(request, f"{row.browser} is signed out.")
        return redirect("me")

    def row(self, key: uuid.UUID) -> BrowserSession:
        found = self.visible(BrowserSession).filter(pk=key, user=self.user).first()
        if found is None:
            raise Http404("There is no such session.")
        return found


class EndOthersView(MeView):
    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("me")

    def post(self, request: HttpRequest) -> HttpResponse:
        rows = self.visible(BrowserSession).filter(user=self.user)
        ended = end_sessions(rows.exclude(session_key=request.session.session_key))
        audit.record(self.actor, "session.end_others", self.user, ended=ended)
        messages.success(request, "Every other browser is signed out.")
        return redirect("me")
