"""The form of a webhook, of the admin and of the portal."""

from __future__ import annotations

from django import forms

from accounts.tenant_admin import TenantForm
from recordings.delivery.models import Event, refuse_inside


class WebhookForm(TenantForm):
    events = forms.MultipleChoiceField(choices=Event.choices, widget=forms.CheckboxSelectMultiple)

    def clean_url(self) -> str:
        """Look the host up when the address is a new one."""
        url = str(self.cleaned_data["url"])
        if url != self.instance.url or self.instance._state.adding:
            refuse_inside(url)
        return url
