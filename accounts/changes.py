"""What a form changes, as the audit log keeps it: before and after, secrets never."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.db.models import Model, QuerySet

SECRET_FIELDS = ("password", "key_hash", "token_hash", "access_key", "secret_key", "secret", "secrets")
# What people write into these may hold a password.
URL_FIELDS = ("url", "wsdl", "cdr_source")
FREE_FIELDS = ("sign_in", "steps")
HIDDEN = "(secret)"


def changes_of(form: forms.BaseForm) -> dict[str, list[Any]]:
    """Each changed field of a form that is valid: what stood there, and what stands there now."""
    return {name: change_of(form, name) for name in form.changed_data if name in form.cleaned_data}


def change_of(form: forms.BaseForm, name: str) -> list[Any]:
    if name in (*SECRET_FIELDS, *FREE_FIELDS) or name.startswith("password"):
        return [HIDDEN, HIDDEN]
    sides = (form.get_initial_for_field(form.fields[name], name), form.cleaned_data[name])
    return [host_of(str(side or "")) if name in URL_FIELDS else plain(side) for side in sides]


def host_of(url: str) -> str:
    """A url without user, password, path and query."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def plain(value: Any) -> Any:
    """A value as JSON can keep it; rows by their names."""
    if isinstance(value, QuerySet | list | tuple):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, Model) else value
