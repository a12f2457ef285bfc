"""The admin in the portal's clothes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin import sites
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.apps import BasicAppConfig
from unfold.sites import UnfoldAdminSite


class PortalAdminSite(UnfoldAdminSite):
    """Is not there for people who are signed in and administer nothing."""

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        if user.is_authenticated and not user.is_staff:
            raise Http404
        return bool(super().has_permission(request))

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the page of one's own sign-in."""
        del request, extra_context
        return redirect("me")

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the portal's way in, which knows of the second step."""
        del extra_context
        if request.user.is_authenticated:
            return redirect("admin:index")
        target = urlencode({"next": request.GET.get("next") or reverse("admin:index")})
        return redirect(f"{reverse('sign-in')}?{target}")


class AdminThemeConfig(BasicAppConfig):
    """Put our site in the place of Django's before the apps register their models."""

    def ready(self) -> None:
        site = PortalAdminSite()
        admin.site = site
        sites.site = site
