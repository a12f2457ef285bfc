"""``/v2/schema``, the OpenAPI description, and ``/v2/docs``, the page to browse it."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.tenancy import TenantAPIView
from ccportal.csp import PORTAL_POLICY, as_header

# Swagger UI sets styles from its script, and so does the page around it.
DOCS_POLICY = PORTAL_POLICY | {"style-src": "'self' 'unsafe-inline'"}


class Schema(TenantAPIView, SpectacularAPIView):
    """Open to everyone: it speaks of no tenant, and is made once."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    urlconf = "ccportal.urls"
    renderer_classes = [OpenApiYamlRenderer, OpenApiJsonRenderer]

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        renderer: Any = request.accepted_renderer
        written = written_schema(renderer.format)
        return HttpResponse(written, content_type=f"{renderer.media_type}; charset=utf-8")


@cache
def written_schema(form: str) -> bytes:
    """The description as YAML or JSON."""
    generator: Any = SchemaGenerator
    schema = generator(urlconf=Schema.urlconf).get_schema(request=None, public=True)
    renderer: Any = next(kind for kind in Schema.renderer_classes if kind.format == form)
    written: bytes = renderer().render(schema, renderer_context={})
    return written


class Docs(TenantAPIView, SpectacularSwaggerSplitView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    url_name = "api:schema"
    title = "ccportal /v2"

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Content-Security-Policy"] = as_header(DOCS_POLICY)
        return response
