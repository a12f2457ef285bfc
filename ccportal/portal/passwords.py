"""Choosing a password by a link from an e-mail: asking for one, and following it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic.base import TemplateView, View

from accounts import audit
from accounts.actors import actor_for, may_sign_in
from accounts.audit import address_of
from accounts.models import User
from accounts.password_links import ask_for_reset, invitation_tokens, reset_tokens
from accounts.throttle import SignInThrottled, admit
from ccportal.portal.settings.dressed import Dressed

MAILS_PER_HOUR = 5


class AddressForm(Dressed, forms.Form):
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput({"autocomplete": "username"})
    )


class NewPasswordForm(Dressed, SetPasswordForm):  # type: ignore[type-arg]
    """A new password, twice."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["new_password1"].label = "New password"
        self.fields["new_password1"].help_text = "At least 10 characters, nothing common, not your name."
        self.fields["new_password2"].label = "New password again"
        self.fields["new_password2"].help_text = ""


@method_decorator(never_cache, name="dispatch")
class ForgottenView(View):
    """Ask for a link. The answer does not tell whether there is such a person."""

    open_before_enrolment = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(AddressForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AddressForm(request.POST)
        if not form.is_valid():
            return self.page(form, status=400)
        email = form.cleaned_data["email"].lower()
        try:
            admit(f"reset/{email}", address_of(request), MAILS_PER_HOUR)
        except SignInThrottled as pause:
            form.add_error("email", f"Too many tries. Try again in {pause.seconds} seconds.")
            response = self.page(form, status=429)
            response.headers["Retry-After"] = str(pause.seconds)
            return response
        ask_for_reset(email, request.build_absolute_uri("/").rstrip("/"))
        return redirect("password-sent")

    def page(self, form: AddressForm, status: int = 200) -> HttpResponse:
        return render(self.request, "portal/password_forgotten.html", {"form": form}, status=status)


class SentView(TemplateView):
    open_before_enrolment = True
    template_name = "portal/password_sent.html"


class NewPasswordView(PasswordResetConfirmView):
    """Where the link leads; a good one lets its person choose, and signs nobody in."""

    open_before_enrolment = True
    form_class = NewPasswordForm
    template_name = "portal/password_new.html"
    token_generator = reset_tokens
    success_url = reverse_lazy("password-chosen")

    def get_user(self, uidb64: str) -> Any:
        user = super().get_user(uidb64)
        return user if isinstance(user, User) and may_sign_in(user) else None

    def render_to_response(self, context: dict[str, Any], **options: Any) -> HttpResponse:
        status = 200 if self.validlink and not context["form"].errors else 400
        return super().render_to_response(context, status=status, **options)

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        if isinstance(self.user, User):
            audit.record(actor_for(self.user, address_of(self.request)), "password.reset", self.user)
        return response


class WelcomeView(NewPasswordView):
    token_generator = invitation_tokens


class ChosenView(TemplateView):
    open_before_enrolment = True
    template_name = "portal/password_chosen.html"
