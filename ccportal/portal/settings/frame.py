"""What every settings page stands on: the account, the tabs, a form that is saved with its audit line."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import Account
from ccportal.portal.page import AccountView, CaretakerView
from ccportal.portal.settings.saving import save_audited

TABS = (
    ("settings", "General"),
    ("settings-recordings", "Recordings"),
    ("settings-storage", "Storage"),
    ("settings-webhooks", "Webhooks"),
    ("settings-keys", "API keys"),
)


class SettingsView(CaretakerView, AccountView):
    """A page of the settings, for those who look after the account."""

    section = "settings"
    tab = "settings"

    def show(self, template: str, status: int = 200, **context: Any) -> HttpResponse:
        return super().show(template, status, tab=self.tab, tabs=TABS, **context)


class AccountFormView(SettingsView):
    """One form about the account itself."""

    template: ClassVar[str]
    form_class: ClassVar[type[forms.ModelForm[Account]]]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(self.form())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(request.POST)
        if not form.is_valid():
            return self.page(form, status=400)
        save_audited(self.actor, form)
        messages.success(request, "Saved.")
        return redirect(self.tab)

    def form(self, data: Any = None) -> forms.ModelForm[Account]:
        """A form over a row of its own: what is typed shall not show in the frame."""
        return self.form_class(data, instance=self.visible(Account).get(pk=self.chosen.pk))

    def page(self, form: forms.ModelForm[Account], status: int = 200) -> HttpResponse:
        return self.show(self.template, status, form=form)
