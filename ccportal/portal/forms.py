"""Forms people fill in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms

from accounts.models import Account
from cdr.models import Call
from cdr.search import number_forms
from recordings.holds import HoldKind

LONGEST_STAY_HOURS = 12

if TYPE_CHECKING:
    _AccountForm = forms.ModelForm[Account]
else:
    _AccountForm = forms.ModelForm


class SignInForm(forms.Form):
    email = forms.CharField(max_length=254)
    password = forms.CharField(max_length=1024, strip=False)
    stay = forms.BooleanField(required=False)
    next = forms.CharField(max_length=2000, required=False)


class ChooseAccountForm(forms.Form):
    account: forms.ModelChoiceField[Account] = forms.ModelChoiceField(Account.objects.none())


class AssignForm(forms.Form):
    account: forms.ModelChoiceField[Account] = forms.ModelChoiceField(
        Account.objects.none(),
        error_messages={
            "required": "Choose the account they belong to.",
            "invalid_choice": "Choose an account of the list.",
        },
    )
    call: forms.ModelMultipleChoiceField[Call] = forms.ModelMultipleChoiceField(
        Call.objects.none(),
        error_messages={
            "required": "Tick the calls to give.",
            "invalid_choice": "One of these calls is in quarantine no more.",
            "invalid_pk_value": "One of these calls is in quarantine no more.",
        },
    )


class RetentionForm(_AccountForm):
    """For how many days each kind of thing is kept; empty is for ever."""

    class Meta:
        model = Account
        fields = ("keep_calls_days", "keep_recordings_days", "keep_exports_days")


class HoldForm(forms.Form):
    """A number or a period to keep, and why; times are the account's."""

    kind = forms.ChoiceField(
        choices=[(kind.value, kind.label) for kind in (HoldKind.NUMBER, HoldKind.PERIOD)]
    )
    number = forms.CharField(max_length=64, required=False)
    begins_at = forms.DateTimeField(required=False)
    ends_at = forms.DateTimeField(required=False)
    reason = forms.CharField(max_length=255, error_messages={"required": "Say why it must stay."})

    def __init__(self, *args: Any, zone: ZoneInfo | None = None, country: str = "US", **options: Any) -> None:
        super().__init__(*args, **options)
        self.zone, self.country = zone, country

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("kind") == HoldKind.NUMBER:
            if not any(number_forms(cleaned.get("number", ""), self.country)):
                self.add_error("number", "Give a phone number.")
            return cleaned
        for name in ("begins_at", "ends_at"):
            if at := cleaned.get(name):
                cleaned[name] = at.replace(tzinfo=self.zone)
            elif name not in self.errors:
                self.add_error(name, "Give both ends of the period.")
        if not self.errors and cleaned["begins_at"] >= cleaned["ends_at"]:
            self.add_error("ends_at", "It ends before it begins.")
        return cleaned
