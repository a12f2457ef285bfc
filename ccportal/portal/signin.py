"""The way in and out."""

from __future__ import annotations

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.base import View

from accounts.throttle import SignInThrottled
from ccportal.portal.clock import duration
from ccportal.portal.forms import LONGEST_STAY_HOURS, SignInForm

NO_MATCH = (
    "That did not match.",
    "Check the e-mail address and the password. After 5 wrong tries sign-in pauses for a minute.",
)


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class SignInView(View):
    """Ask for e-mail address and password; lead on to where the person wanted to go."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            return redirect(safe_next(request, request.GET.get("next", "")))
        return show_form(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SignInForm(request.POST)
        if not form.is_valid():
            return show_form(request, NO_MATCH, status=400)
        try:
            user = authenticate(
                request, username=form.cleaned_data["email"].strip(), password=form.cleaned_data["password"]
            )
        except SignInThrottled as pause:
            return refuse_for_now(request, pause.seconds)
        if user is None:
            return show_form(request, NO_MATCH, status=400)
        login(request, user)
        request.session.set_expiry(LONGEST_STAY_HOURS * 3600 if form.cleaned_data["stay"] else 0)
        return redirect(safe_next(request, form.cleaned_data["next"]))


class SignOutView(View):
    def post(self, request: HttpRequest) -> HttpResponse:
        logout(request)
        return redirect("sign-in")


def show_form(request: HttpRequest, error: tuple[str, str] | None = None, status: int = 200) -> HttpResponse:
    context = {
        "error": error,
        "email": request.POST.get("email", "")[:254],
        "stay": bool(request.POST.get("stay")),
        "hours": LONGEST_STAY_HOURS,
        "next": request.POST.get("next", request.GET.get("next", ""))[:2000],
    }
    return render(request, "portal/signin.html", context, status=status)


def refuse_for_now(request: HttpRequest, seconds: int) -> HttpResponse:
    error = ("Too many wrong tries.", f"Sign-in pauses for {duration(seconds * 1000)}; then try again.")
    response = show_form(request, error, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def safe_next(request: HttpRequest, target: str) -> str:
    """The page that was wanted, if it is one of ours."""
    ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if ours else reverse("calls")
