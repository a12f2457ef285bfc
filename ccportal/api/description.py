"""``/v2/schema``, the OpenAPI description, and ``/v2/docs``, the page to browse it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.tenancy import TenantAPIView
from ccportal.csp import PORTAL_POLICY, as_header

# Swagger UI sets styles from its script, and so does the page around it.
DOCS_POLICY = PORTAL_POLICY | {"style-src": "'self' 'unsafe-inline'"}


class Schema(TenantAPIView, SpectacularAPIView):
    """Open to everyone: it speaks of no tenant."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    urlconf = "ccportal.urls"


class Docs(TenantAPIView, SpectacularSwaggerSplitView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    url_name = "api:schema"
    title = "ccportal /v2"

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Content-Security-Policy"] = as_header(DOCS_POLICY)
        return response
