"""The admin in the portal's clothes."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import sites
from django.http import Http404, HttpRequest
from unfold.apps import BasicAppConfig
from unfold.sites import UnfoldAdminSite


class PortalAdminSite(UnfoldAdminSite):
    """Is not there for people who are signed in and administer nothing."""

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        if user.is_authenticated and not user.is_staff:
            raise Http404
        return bool(super().has_permission(request))


class AdminThemeConfig(BasicAppConfig):
    """Put our site in the place of Django's before the apps register their models."""

    def ready(self) -> None:
        site = PortalAdminSite()
        admin.site = site
        sites.site = site
