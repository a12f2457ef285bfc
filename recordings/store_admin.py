"""Admin of the storages that accounts chose; what is secret is written and never shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts.tenant_admin import AccountFilter, TenantAdmin
from recordings.store_form import SECRETS, AudioStoreForm
from recordings.stores import LOCATION, AudioStore


@admin.register(AudioStore)
class AudioStoreAdmin(TenantAdmin):
    form = AudioStoreForm
    list_display = ("__str__", "account", "current", "created_at")
    list_filter = (("account", AccountFilter),)
    list_select_related = ("account",)
    autocomplete_fields = ("account",)
    search_fields = ("^bucket",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AudioStore]:
        rows: QuerySet[AudioStore] = super().get_queryset(request)
        return rows.filter(account__isnull=False)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in SECRETS:
            kwargs["widget"] = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Where files are cannot be written over: another place is another storage."""
        return ("account", "kind", *LOCATION) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
