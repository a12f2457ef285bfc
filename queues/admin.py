"""Admin of queues and of the agents who serve them."""

from __future__ import annotations

from django.contrib import admin

from accounts.tenant_admin import AccountFilter, TenantAdmin
from queues.models import Agent, Queue


@admin.register(Queue)
class QueueAdmin(TenantAdmin):
    list_display = ("name", "label", "record", "account")
    list_filter = (("account", AccountFilter), "record")
    list_select_related = ("account",)
    search_fields = ("^name", "^label")
    autocomplete_fields = ("account", "teams")


@admin.register(Agent)
class AgentAdmin(TenantAdmin):
    list_display = ("name", "label", "user", "account")
    list_filter = (("account", AccountFilter),)
    list_select_related = ("account", "user")
    search_fields = ("^name", "^label")
    autocomplete_fields = ("account", "user")
