"""Save a form with its line in the audit log: what stood there before, and what stands there now."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction

from accounts import audit
from accounts.changes import changes_of
from accounts.tenancy import Actor


def save_audited(actor: Actor | None, form: forms.ModelForm[Any]) -> Any:
    """Save what the form says; nothing is written when it changes nothing."""
    is_new = form.instance._state.adding
    if not (form.changed_data or is_new):
        return form.instance
    with transaction.atomic():
        row = form.save()
        told = {} if is_new else {"fields": form.changed_data, "changes": changes_of(form)}
        audit.record(actor, "add" if is_new else "change", row, name=str(row), **told)
    return row
