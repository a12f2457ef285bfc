"""The sign-in form of the portal and of the admin."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from accounts.throttle import SignInThrottled


class SignInForm(AuthenticationForm):  # type: ignore[misc]
    """Says to wait after too many wrong passwords."""

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except SignInThrottled as throttled:
            raise ValidationError(str(throttled), code="throttled") from throttled
        return cleaned
