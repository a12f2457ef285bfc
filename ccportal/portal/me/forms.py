"""Forms about one's own sign-in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm

from ccportal.portal.settings.dressed import Dressed

CODE = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}


class PasswordForm(Dressed, PasswordChangeForm):
    """The old password, and a new one twice."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["old_password"].label = "Current password"
        self.fields["old_password"].widget.attrs.pop("autofocus", None)
        self.fields["new_password1"].label = "New password"
        self.fields["new_password1"].help_text = "At least 10 characters, nothing common, not your name."
        self.fields["new_password2"].label = "New password again"
        self.fields["new_password2"].help_text = ""


class CodeForm(Dressed, forms.Form):
    code = forms.CharField(label="Code of the app", max_length=64, widget=forms.TextInput(CODE))


class PasswordAndCodeForm(Dressed, forms.Form):
    """Both steps once more, before the second is given up."""

    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )
    code = forms.CharField(label="Code of the app, or a recovery code", max_length=64)
