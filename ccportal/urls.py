from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from ccportal.api.views import Gone
from ccportal.switch_requests import SwitchXml

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    re_path(r"^v1(/|$)", Gone.as_view(), name="gone"),
    path("v2/", include("ccportal.api.urls")),
    path("xml/", SwitchXml.as_view(), name="switch-xml"),
    path("", include("ccportal.portal.urls")),
]

handler400 = "ccportal.errors.bad_request"
handler403 = "ccportal.errors.permission_denied"
handler404 = "ccportal.errors.page_not_found"
handler500 = "ccportal.errors.server_error"
