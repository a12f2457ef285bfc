"""The way in and out: a password, then a code where the person has a second step."""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.base import View

from accounts import audit
from accounts.actors import actor_for, may_sign_in
from accounts.audit import address_of
from accounts.models import BrowserSession, User
from accounts.second_step import has_second_step, is_required_of, take_code
from accounts.sessions import begin_session
from accounts.throttle import SignInThrottled, admit_code
from ccportal.enrolment import MUST_ENROL
from ccportal.portal.clock import duration
from ccportal.portal.forms import LONGEST_STAY_HOURS, SignInForm

Error = tuple[str, str]

NO_MATCH = (
    "That did not match.",
    "Check the e-mail address and the password. After 5 wrong tries sign-in pauses for a minute.",
)
WRONG_CODE = ("That code did not match.", "Codes change every 30 seconds and work once. Wait for the next.")
HALFWAY = "halfway"
HALFWAY_SECONDS = 600


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class SignInView(View):
    """Ask for e-mail address and password; lead on to where the person wanted to go."""

    open_before_enrolment = True

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            return redirect(safe_next(request, request.GET.get("next", "")))
        return show_form(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SignInForm(request.POST)
        if not form.is_valid():
            return show_form(request, NO_MATCH, status=400)
        data = form.cleaned_data
        try:
            user = authenticate(request, username=data["email"].strip(), password=data["password"])
        except SignInThrottled as pause:
            return refuse_for_now(show_form, request, pause.seconds)
        if not isinstance(user, User):
            return show_form(request, NO_MATCH, status=400)
        if has_second_step(user):
            remember_halfway(request, user, data)
            return redirect("sign-in-code")
        return enter(request, user, stay=data["stay"], target=data["next"])


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class CodeView(View):
    """Ask for the code of who has given the password."""

    open_before_enrolment = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return show_code(request) if halfway(request) else redirect("sign-in")

    def post(self, request: HttpRequest) -> HttpResponse:
        user = halfway(request)
        if user is None:
            return redirect("sign-in")
        try:
            attempt = admit_code(user.pk, address_of(request))
        except SignInThrottled as pause:
            return refuse_for_now(show_code, request, pause.seconds)
        how = take_code(user, request.POST.get("code", "")[:64])
        if not how:
            return show_code(request, WRONG_CODE, status=400)
        attempt.succeeded()
        kept: dict[str, Any] = request.session.pop(HALFWAY)
        if how == "recovery":
            audit.record(actor_for(user, address_of(request)), "sign_in.recovery_code", user)
        return enter(request, user, stay=kept["stay"], target=kept["next"])


class SignOutView(View):
    open_before_enrolment = True

    def post(self, request: HttpRequest) -> HttpResponse:
        BrowserSession.objects.filter(session_key=request.session.session_key).delete()
        logout(request)
        return redirect("sign-in")


def remember_halfway(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    """Keep who has given the password, in a session of a new name; it lets nobody in."""
    request.session.cycle_key()
    request.session[HALFWAY] = {
        "user": user.pk.hex,
        "hash": user.get_session_auth_hash(),
        "until": int(time.time()) + HALFWAY_SECONDS,
        "stay": bool(data["stay"]),
        "next": data["next"],
    }
    request.session.set_expiry(HALFWAY_SECONDS)


def halfway(request: HttpRequest) -> User | None:
    """Who gave the password lately, if it is still that one."""
    kept = request.session.get(HALFWAY)
    if not kept or kept["until"] < time.time():
        return None
    user = User.objects.select_related("account").filter(pk=kept["user"]).first()
    if user is None or not may_sign_in(user) or user.get_session_auth_hash() != kept["hash"]:
        return None
    return user


def enter(request: HttpRequest, user: User, *, stay: bool, target: str) -> HttpResponse:
    """Let the person in; who has to set up a second step does that first."""
    login(request, user, backend="accounts.backends.PasswordBackend")
    request.session.set_expiry(LONGEST_STAY_HOURS * 3600 if stay else 0)
    begin_session(request, user, address_of(request))
    if is_required_of(user) and not has_second_step(user):
        request.session[MUST_ENROL] = True
        return redirect("two-step")
    return redirect(safe_next(request, target))


def show_form(request: HttpRequest, error: Error | None = None, status: int = 200) -> HttpResponse:
    context = {
        "error": error,
        "email": request.POST.get("email", "")[:254],
        "stay": bool(request.POST.get("stay")),
        "hours": LONGEST_STAY_HOURS,
        "next": request.POST.get("next", request.GET.get("next", ""))[:2000],
    }
    return render(request, "portal/signin.html", context, status=status)


def show_code(request: HttpRequest, error: Error | None = None, status: int = 200) -> HttpResponse:
    return render(request, "portal/signin_code.html", {"error": error}, status=status)


def refuse_for_now(show: Any, request: HttpRequest, seconds: int) -> HttpResponse:
    error = ("Too many wrong tries.", f"Sign-in pauses for {duration(seconds * 1000)}; then try again.")
    response: HttpResponse = show(request, error, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def safe_next(request: HttpRequest, target: str) -> str:
    """The page that was wanted, if it is one of ours."""
    ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if ours else reverse("calls")
