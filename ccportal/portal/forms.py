"""Forms people fill in."""

from __future__ import annotations

from django import forms

from accounts.models import Account
from cdr.models import Call

LONGEST_STAY_HOURS = 12


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
