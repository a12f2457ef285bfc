"""The matrix on the admin's page of an account, a user or a device."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import template
from django.template.context import RequestContext

from accounts.models import Account, Device, User
from policies.editing import Draft, Subject, editor_context

register = template.Library()
KIND_OF: dict[Any, str] = {Account: "account", User: "user", Device: "device"}


@register.filter
def clock(seconds: Any) -> str:
    """Seconds as hours, minutes and seconds: 3:00:00."""
    return str(timedelta(seconds=seconds)) if isinstance(seconds, int) else str(seconds)


@register.inclusion_tag("admin/policies/on_page.html", takes_context=True)
def recording_policy(context: RequestContext, target: Any) -> dict[str, Any]:
    """Show the matrix of a thing that has one; an operator without an account has none."""
    subject = Subject(KIND_OF[type(target)], target)
    around = {"request": context["request"], "csrf_token": context.get("csrf_token")}
    return around if subject.account is None else around | editor_context(Draft.of(subject))
