from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("v2/", include("ccportal.api.urls")),
    path("", include("ccportal.portal.urls")),
]
