"""Where news of an account is posted to: webhooks, their secrets, and what became of the last ones sent."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts import audit
from ccportal.portal.outgoing import Outgoing, outgoing
from ccportal.portal.settings.dressed import Dressed
from ccportal.portal.settings.frame import SettingsView
from ccportal.portal.settings.saving import save_audited
from ccportal.portal.switches import Clock
from recordings.delivery.hook_form import WebhookForm
from recordings.delivery.models import Delivery, Event, Webhook
from recordings.delivery.news import send_test

MOST_HOOKS = 100
DELIVERIES_SHOWN = 10
DELIVERIES_LOOKED_AT = 1_000


class HookForm(Dressed, WebhookForm):
    class Meta:
        model = Webhook
        fields = ("name", "url", "events", "enabled")
        labels = {"url": "Address", "enabled": "Switched on"}
        help_texts = {"url": "http:// or https://, outside the server's own network."}

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = Webhook.objects.filter(account=self.instance.account, name=name).exclude(pk=self.instance.pk)
        if others.exists():
            raise forms.ValidationError("Another webhook is called so.", code="unique")
        return name


class WebhooksView(SettingsView):
    tab = "settings-webhooks"

    def get(self, request: HttpRequest) -> HttpResponse:
        hooks = list(self.rows(Webhook).order_by("name")[:MOST_HOOKS])
        rows = [(hook, [str(Event(name).label) for name in hook.events]) for hook in hooks]
        return self.show("portal/settings/webhooks.html", hooks=rows)


class WebhookView(WebhooksView):
    """One webhook, or a new one."""

    def hook(self, key: uuid.UUID | None) -> Webhook:
        if key is None:
            return Webhook(account=self.chosen)
        found = self.rows(Webhook).filter(pk=key).first()
        if found is None:
            raise Http404("There is no such webhook.")
        return found

    def get(self, request: HttpRequest, id: uuid.UUID | None = None) -> HttpResponse:  # noqa: A002
        return self.page(HookForm(instance=self.hook(id)))

    def post(self, request: HttpRequest, id: uuid.UUID | None = None) -> HttpResponse:  # noqa: A002
        form = HookForm(request.POST, instance=self.hook(id))
        if not form.is_valid():
            return self.page(form, status=400)
        hook = save_audited(self.actor, form)
        if id is None:
            return self.page(HookForm(instance=hook), secret=hook.secret)
        messages.success(request, "Saved.")
        return redirect("settings-webhook", id=hook.pk)

    def page(self, form: HookForm, status: int = 200, secret: str = "") -> HttpResponse:
        hook = form.instance
        is_new = hook._state.adding
        return self.show(
            "portal/settings/webhook.html",
            status,
            form=form,
            hook=None if is_new else hook,
            secret=secret,
            sent=[] if is_new else self.sent(hook),
        )

    def sent(self, hook: Webhook) -> list[Outgoing]:
        """The newest of it among the newest of the account, which one index has in order."""
        newest = self.rows(Delivery).order_by("-created_at", "-id")
        found = newest.filter(pk__in=newest.values("pk")[:DELIVERIES_LOOKED_AT], webhook=hook)
        clock = Clock(timezone.now(), self.zone)
        rows = found.select_related("webhook", "recording").defer("payload")[:DELIVERIES_SHOWN]
        return [outgoing(row, clock) for row in rows]


class WebhookDeed(WebhookView):
    """A button of a webhook's page."""

    def get(self, request: HttpRequest, id: uuid.UUID | None = None) -> HttpResponse:  # noqa: A002
        return redirect("settings-webhook", id=self.hook(id).pk)


class RotateView(WebhookDeed):
    def post(self, request: HttpRequest, id: uuid.UUID | None = None) -> HttpResponse:  # noqa: A002
        hook = self.hook(id)
        hook.rotate()
        audit.record(self.actor, "rotate_secret", hook, name=str(hook))
        return self.page(HookForm(instance=hook), secret=hook.secret)


class TestView(WebhookDeed):
    def post(self, request: HttpRequest, id: uuid.UUID | None = None) -> HttpResponse:  # noqa: A002
        hook = self.hook(id)
        if not hook.enabled:
            messages.error(request, "Switch it on first: nothing is sent while it is off.")
        else:
            send_test(hook)
            audit.record(self.actor, "webhook.test", hook, name=str(hook))
            messages.success(request, f"A test is on its way to {hook.host}. How it went is below.")
        return redirect("settings-webhook", id=hook.pk)


class DeleteWebhookView(WebhookDeed):
    def post(self, request: HttpRequest, id: uuid.UUID | None = None) -> HttpResponse:  # noqa: A002
        hook = self.hook(id)
        with transaction.atomic():
            audit.record(self.actor, "delete", hook, name=str(hook))
            hook.delete()
        messages.success(request, f"{hook.name} is deleted.")
        return redirect("settings-webhooks")
