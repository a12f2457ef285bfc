"""Admin of webhooks, and of what was to be sent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts import audit
from accounts.tenant_admin import (
    AccountFilter,
    OneAccountFilter,
    ReadOnlyAdmin,
    TenantAdmin,
    actor_of,
)
from recordings.delivery.again import send_some_again
from recordings.delivery.hook_form import WebhookForm
from recordings.delivery.models import Delivery, Event, Webhook


class WebhookAdminForm(WebhookForm):
    events = forms.MultipleChoiceField(choices=Event.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget)


@admin.register(Webhook)
class WebhookAdmin(TenantAdmin):
    """A new webhook's secret is on one page, once; another one can be made."""

    form = WebhookAdminForm
    list_display = ("name", "host", "enabled", "account", "created_at")
    list_filter = (("account", AccountFilter), "enabled")
    list_select_related = ("account",)
    search_fields = ("^name",)
    autocomplete_fields = ("account",)
    fields = ("account", "name", "url", "events", "enabled")
    actions = ("rotate",)

    @admin.display(description="Host")
    def host(self, hook: Webhook) -> str:
        return hook.host

    def response_add(self, request: HttpRequest, obj: Webhook, post_url_continue: Any = None) -> HttpResponse:
        del post_url_continue
        return self.issued(request, [obj])

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        return self.may(request, self.change_right)

    @admin.action(description="Make a new secret", permissions=["rotate"])
    def rotate(self, request: HttpRequest, hooks: Any) -> HttpResponse:
        rotated = list(hooks)
        for hook in rotated:
            hook.rotate()
            audit.record(actor_of(request), "rotate_secret", hook, name=str(hook))
        return self.issued(request, rotated)

    def issued(self, request: HttpRequest, hooks: list[Webhook]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": "Copy the secret", "hooks": hooks}
        return TemplateResponse(
            request, "admin/recordings/webhook/issued.html", context | {"opts": self.opts}
        )


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "subject", "host", "state", "attempts", "next_try_at", "error", "account")
    list_filter = (("account", OneAccountFilter), "state", "kind")
    list_select_related = ("account", "webhook", "connector")
    sortable_by = ("created_at",)
    fields = (
        "account",
        "kind",
        "subject",
        "host",
        "recording",
        "webhook",
        "connector",
        "state",
        "attempts",
        "error",
        "created_at",
        "next_try_at",
        "finished_at",
    )
    actions = ("send_again",)

    @admin.display(description="Host")
    def host(self, delivery: Delivery) -> str:
        return delivery.host

    def has_send_permission(self, request: HttpRequest) -> bool:
        return self.may(request, self.view_right)

    @admin.action(description="Send again", permissions=["send"])
    def send_again(self, request: HttpRequest, deliveries: Any) -> None:
        done = send_some_again(actor_of(request), deliveries)
        messages.success(request, f"{done} to be sent again.")
