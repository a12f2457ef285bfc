"""Admin of connectors: what is secret is written and never shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest

from accounts.tenant_admin import AccountFilter, TenantAdmin, TenantForm
from recordings.connectors.models import Connector
from recordings.connectors.trial import try_out
from recordings.delivery.errors import DeliveryFailed
from recordings.delivery.models import refuse_inside


class ConnectorForm(TenantForm):
    """Secrets that are left empty stay as they are; those that are written take the place of all."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kept = self.instance.secrets
        self.initial["secrets"] = {}

    def clean_secrets(self) -> Any:
        return self.cleaned_data.get("secrets") or self.kept

    def clean_wsdl(self) -> str:
        """Look the host up when the address is a new one."""
        wsdl = str(self.cleaned_data["wsdl"])
        if wsdl != self.instance.wsdl or self.instance._state.adding:
            refuse_inside(wsdl)
        return wsdl


@admin.register(Connector)
class ConnectorAdmin(TenantAdmin):
    form: type[forms.ModelForm[Any]] = ConnectorForm
    list_display = ("name", "host", "with_files", "enabled", "account", "created_at")
    list_filter = (("account", AccountFilter), "enabled")
    list_select_related = ("account",)
    search_fields = ("^name",)
    autocomplete_fields = ("account",)
    fields = ("account", "name", "wsdl", "secrets", "sign_in", "steps", "enabled")
    actions = ("test",)

    @admin.display(description="Host")
    def host(self, connector: Connector) -> str:
        return connector.host

    def has_test_permission(self, request: HttpRequest) -> bool:
        return self.may(request, self.change_right)

    @admin.action(description="Test against the WSDL", permissions=["test"])
    def test(self, request: HttpRequest, connectors: Any) -> None:
        for connector in connectors:
            try:
                fitting = try_out(connector)
            except DeliveryFailed as failed:
                messages.error(request, f"{connector}: {failed.reason}")
            else:
                messages.success(request, f"{connector}: {', '.join(fitting)}.")
