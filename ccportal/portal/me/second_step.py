"""Setting up the second step, looking after its recovery codes, and giving it up."""

from __future__ import annotations

import io
from typing import Any

import segno
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from accounts import audit
from accounts.audit import address_of
from accounts.backends import checked_password
from accounts.models import RecoveryCode
from accounts.second_step import (
    Authenticator,
    begin_enrolment,
    confirm,
    forget_second_step,
    has_second_step,
    is_required_of,
    new_recovery_codes,
    take_code,
)
from accounts.throttle import SignInThrottled, admit_code
from ccportal.enrolment import MUST_ENROL
from ccportal.portal.me.forms import CodeForm, PasswordAndCodeForm
from ccportal.portal.page import PortalView

WRONG = "That code did not match. Codes change every 30 seconds and work once."


@method_decorator(sensitive_post_parameters("code", "password"), name="dispatch")
class SecondStepView(PortalView):
    """Set it up with a QR code, or look after it."""

    section = "me"
    open_before_enrolment = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(CodeForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Confirm what the app was given with its first code."""
        if has_second_step(self.user):
            return redirect("two-step")
        form = CodeForm(request.POST)
        codes = self.confirmed(form) if form.is_valid() else []
        if not codes:
            return self.page(form, status=400)
        request.session.pop(MUST_ENROL, None)
        audit.record(self.actor, "second_step.set_up", self.user)
        return self.show("portal/me/codes.html", codes=codes, is_new=True)

    def confirmed(self, form: CodeForm) -> list[str]:
        try:
            attempt = admit_code(self.user.pk, address_of(self.request))
        except SignInThrottled as pause:
            form.add_error("code", str(pause))
            return []
        codes = confirm(begin_enrolment(self.user), form.cleaned_data["code"])
        if codes:
            attempt.succeeded()
        else:
            form.add_error("code", WRONG)
        return codes

    def page(self, form: CodeForm | PasswordAndCodeForm, status: int = 200, **more: Any) -> HttpResponse:
        if has_second_step(self.user):
            context = {
                "form": form if isinstance(form, PasswordAndCodeForm) else PasswordAndCodeForm(),
                "codes_left": RecoveryCode.objects.filter(user=self.user).count(),
                "is_required": is_required_of(self.user),
            }
            return self.show("portal/me/second_step_on.html", status, **context | more)
        authenticator = begin_enrolment(self.user)
        typed = authenticator.typed_key
        return self.show(
            "portal/me/second_step_new.html",
            status,
            form=form,
            typed_key=" ".join(typed[place : place + 4] for place in range(0, len(typed), 4)),
            must_enrol=self.request.session.get(MUST_ENROL, False),
        )


class QrView(PortalView):
    """The QR code as a picture of its own, until it was confirmed."""

    open_before_enrolment = True

    def get(self, request: HttpRequest) -> HttpResponse:
        waiting = Authenticator.objects.filter(user=self.user, confirmed_at=None).first()
        if waiting is None:
            raise Http404("There is nothing to set up.")
        picture = io.BytesIO()
        segno.make(waiting.address, error="m", micro=False).save(
            picture, kind="svg", scale=5, border=3, light="#fff", xmldecl=False
        )
        return HttpResponse(picture.getvalue(), content_type="image/svg+xml")


class BothSteps(SecondStepView):
    """A deed that asks for password and code once more."""

    open_before_enrolment = False

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("two-step")

    def post(self, request: HttpRequest) -> HttpResponse:
        if not has_second_step(self.user):
            return redirect("two-step")
        form = PasswordAndCodeForm(request.POST)
        if not form.is_valid() or not self.admits(form):
            return self.page(form, status=400, **{self.fold: True})
        return self.act()

    fold = ""

    def act(self) -> HttpResponse:
        raise NotImplementedError

    def admits(self, form: PasswordAndCodeForm) -> bool:
        address = address_of(self.request)
        try:
            if not checked_password(self.user, form.cleaned_data["password"], address):
                form.add_error("password", "This is not your password.")
                return False
            attempt = admit_code(self.user.pk, address)
        except SignInThrottled as pause:
            form.add_error("password", str(pause))
            return False
        if not take_code(self.user, form.cleaned_data["code"]):
            form.add_error("code", WRONG)
            return False
        attempt.succeeded()
        return True


class GiveUpView(BothSteps):
    fold = "giving_up"

    def act(self) -> HttpResponse:
        forget_second_step(self.user)
        audit.record(self.actor, "second_step.give_up", self.user)
        messages.success(self.request, "You sign in with your password alone from now on.")
        return redirect("me")


class NewCodesView(BothSteps):
    fold = "renewing"

    def act(self) -> HttpResponse:
        codes = new_recovery_codes(self.user)
        audit.record(self.actor, "second_step.new_codes", self.user)
        return self.show("portal/me/codes.html", codes=codes, is_new=False)
