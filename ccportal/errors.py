"""What is answered when no view did: in the API's envelope below /v2, elsewhere as a page of the portal."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse

from ccportal.api.envelope import bare_refusal, request_id_of
from ccportal.portal import errors as pages

logger = logging.getLogger(__name__)


def is_for_programs(request: HttpRequest) -> bool:
    return request.path.startswith(("/v1/", "/v2/"))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return bare_refusal(request, 400) if is_for_programs(request) else pages.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if is_for_programs(request):
        return bare_refusal(request, 403)
    return pages.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if is_for_programs(request):
        return bare_refusal(request, 404)
    return pages.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if not is_for_programs(request):
        return pages.server_error(request)
    logger.error("Request %s failed", request_id_of(request))
    return bare_refusal(request, 500)
