"""API keys: made with a role, scopes and an end, shown once, revoked."""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts import audit
from accounts.access import roles_given_by
from accounts.keys import issue_key, revoke_key
from accounts.models import ApiKey, Role
from accounts.scopes import validate_scopes
from ccportal.api.scoping import known_resources, unknown_scopes
from ccportal.portal.settings.dressed import Dressed
from ccportal.portal.settings.frame import SettingsView
from ccportal.portal.settings.general import WordsField
from ccportal.portal.switches import Clock, Moment
from ccportal.portal.wording import State

MOST_KEYS = 100
GOOD, ENDED, REVOKED = State("Good", "good"), State("Ended", "off"), State("Revoked", "off")


class KeyForm(Dressed, forms.Form):
    name = forms.CharField(max_length=128, label="Name", help_text="What uses it, such as the CRM.")
    role = forms.ChoiceField(label="Role")
    scopes = WordsField(label="Only for", required=False, max_length=4000, validators=[validate_scopes])
    expires_on = forms.DateField(
        label="Good until",
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text="The end of this day. Empty: until it is revoked.",
    )

    def __init__(self, *args: Any, given: list[str], today: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.today = today
        roles = [(role.value, role.label) for role in Role if role in given and role != Role.OPERATOR]
        self.fields["role"].choices = roles  # type: ignore[attr-defined]
        self.fields["scopes"].help_text = (
            "Empty: everything its role may do. Else words with commas between them, such as read, or "
            "cdrs:read, recordings:read."
        )

    def clean_scopes(self) -> list[str]:
        scopes: list[str] = self.cleaned_data["scopes"]
        if unknown := unknown_scopes(scopes):
            known = ", ".join(sorted(known_resources()))
            raise forms.ValidationError(f"There is no {unknown[0]}. There are: {known}.", code="scope")
        return scopes

    def clean_expires_on(self) -> Any:
        day = self.cleaned_data["expires_on"]
        if day and day < self.today:
            raise forms.ValidationError("This day is over.", code="past")
        return day


class KeysView(SettingsView):
    tab = "settings-keys"

    def form(self, data: Any = None) -> KeyForm:
        given = roles_given_by(self.actor.role) if self.actor else []
        today = timezone.now().astimezone(self.zone).date()
        return KeyForm(data, given=given, today=today, initial={"role": Role.ADMIN})

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(self.form())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(request.POST)
        if not form.is_valid():
            return self.page(form, status=400)
        with transaction.atomic():
            key, plain = self.issue(form.cleaned_data)
            told = {"role": key.role, "scopes": key.scopes, "expires_at": key.expires_at}
            audit.record(self.actor, "add", key, name=str(key), **told)
        return self.page(self.form(), key=key, plain=plain)

    def issue(self, data: dict[str, Any]) -> tuple[ApiKey, str]:
        day = data["expires_on"]
        end = datetime.combine(day + timedelta(days=1), time(), self.zone) if day else None
        return issue_key(self.chosen, data["role"], data["name"], data["scopes"], end)

    def page(self, form: KeyForm, status: int = 200, **made: Any) -> HttpResponse:
        clock = Clock(timezone.now(), self.zone)
        keys = list(self.rows(ApiKey).order_by("-created_at", "-id")[: MOST_KEYS + 1])
        rows = [line_of(key, clock) for key in keys[:MOST_KEYS]]
        more = len(keys) > MOST_KEYS
        return self.show("portal/settings/keys.html", status, form=form, keys=rows, more=more, **made)


class RevokeView(KeysView):
    def key(self, key_id: uuid.UUID) -> ApiKey:
        found = self.rows(ApiKey).filter(pk=key_id).first()
        if found is None:
            raise Http404("There is no such key.")
        return found

    def get(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # type: ignore[override]  # noqa: A002
        self.key(id)
        return redirect(self.tab)

    def post(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # type: ignore[override]  # noqa: A002
        key = self.key(id)
        if not key.revoked_at:
            with transaction.atomic():
                revoke_key(key)
                audit.record(self.actor, "revoke", key, name=str(key))
        messages.success(request, f"{key.name} is revoked, and every sign-in with it has ended.")
        return redirect(self.tab)


def line_of(key: ApiKey, clock: Clock) -> dict[str, Any]:
    """A key as the list has it."""
    is_over = bool(key.expires_at and key.expires_at <= clock.now)
    state = REVOKED if key.revoked_at else ENDED if is_over else GOOD
    return {
        "id": key.pk,
        "name": key.name,
        "prefix": key.prefix,
        "role": key.get_role_display(),
        "scopes": ", ".join(key.scopes),
        "made": clock.at(key.created_at),
        "used": clock.at(key.last_used_at) if key.last_used_at else Moment(),
        "until": clock.at(key.expires_at) if key.expires_at else Moment(),
        "state": state,
        "is_good": state == GOOD,
    }
