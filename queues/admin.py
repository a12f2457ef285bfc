"""Admin of queues, of the agents who serve them, and of what switches are told of both."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from accounts import audit
from accounts.access import Action
from accounts.models import Account
from accounts.tenant_admin import (
    AccountFilter,
    ReadOnlyAdmin,
    TenantAdmin,
    TenantForm,
    actor_of,
    visible_rows,
)
from queues.drift import give_ours, take_theirs
from queues.models import Agent, Difference, Queue, QueueServer, SwitchOrder, Tier
from queues.push import pushed
from queues.wanted import PARAMETERS, field_of

RINGING = (
    "strategy",
    "ring_progressively_delay",
    "agent_no_answer_status",
    "skip_agents_with_external_calls",
)
HEARING = ("moh_sound", "announce_sound", "announce_frequency", "record_template")
WAITING = tuple(field_of(name) for name in PARAMETERS if field_of(name) not in (*RINGING, *HEARING))
LET_GO_FIRST = "Stop managing it, or delete it, before it goes to another account."


class ManagedForm(TenantForm):
    """What switches have of an account stays there: it moves to no other."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        before = type(self.instance)._default_manager.filter(pk=self.instance.pk, managed=True).first()
        account = cleaned.get("account")
        if before and account and before.account_id != account.pk:
            self.add_error("account", LET_GO_FIRST)
        return cleaned


class QueueForm(ManagedForm):
    """A queue, on all switches that serve the account or on some of them."""

    def clean(self) -> dict[str, Any]:
        chosen = self.cleaned_data.pop("switches", None)
        cleaned = super().clean()
        if chosen is not None:
            cleaned["switches"] = chosen
            self.check_switches(chosen, cleaned.get("account"))
        return cleaned

    def check_switches(self, chosen: Any, account: Account | None) -> None:
        serving = QueueServer.objects.serving(account) if account else QueueServer.objects.none()
        if {switch.pk for switch in chosen} - {server.switch_id for server in serving}:
            self.add_error("switches", "Choose switches that are given queues of this account.")


class PushedAdmin(TenantAdmin):
    """Tells the switches of what was saved or deleted, in the same transaction.

    A page's form writes the row first and what hangs from it after, so the change spans the whole request.
    """

    def account_of(self, request: HttpRequest, object_id: str | None) -> Account | None:
        """The account whose rows are about to be written."""
        if object_id:
            row = self.get_object(request, object_id)
            return self.owner(row) if row else None
        return visible_rows(request, Account).filter(pk=as_id(request.POST.get("account"))).first()

    def owner(self, row: Any) -> Account:
        owner: Account = row.account
        return owner

    def _changeform_view(self, request: HttpRequest, object_id: Any, *args: Any) -> Any:
        return self._within(request, object_id, super()._changeform_view, object_id, *args)

    def _delete_view(self, request: HttpRequest, object_id: Any, *args: Any) -> Any:
        return self._within(request, object_id, super()._delete_view, object_id, *args)

    def _within(self, request: HttpRequest, object_id: Any, view: Any, *args: Any) -> Any:
        account = self.account_of(request, object_id) if request.method == "POST" else None
        if account is None:
            return view(request, *args)
        with pushed(account, label_of(request)):
            return view(request, *args)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset:
            with pushed(self.owner(row), label_of(request)):
                row.delete()


def as_id(word: str | None) -> Any:
    return word if word and len(word) in (32, 36) and not word.strip("0123456789abcdef-") else None


def label_of(request: HttpRequest) -> str:
    actor = actor_of(request)
    return actor.label if actor else ""


@admin.register(Queue)
class QueueAdmin(PushedAdmin):
    form: Any = QueueForm
    list_display = ("name", "label", "managed", "strategy", "record", "account")
    list_filter = (("account", AccountFilter), "managed", "record")
    list_select_related = ("account",)
    search_fields = ("^name", "^label")
    autocomplete_fields = ("account", "teams", "switches")
    fieldsets = (
        (None, {"fields": ("account", "name", "label", "teams", "managed", "switches")}),
        ("Whom it rings", {"fields": RINGING, "classes": ["tab"]}),
        ("What callers hear", {"fields": HEARING, "classes": ["tab"]}),
        ("Waiting", {"fields": WAITING, "classes": ["tab"]}),
        ("Recording", {"fields": ("record", "record_parameters"), "classes": ["tab"]}),
        (
            "Figures",
            {"fields": ("service_level_seconds", "short_abandon_seconds"), "classes": ["tab"]},
        ),
    )


@admin.register(Agent)
class AgentAdmin(PushedAdmin):
    form = ManagedForm
    list_display = ("name", "label", "managed", "contact", "user", "account")
    list_filter = (("account", AccountFilter), "managed")
    list_select_related = ("account", "user")
    search_fields = ("^name", "^label")
    autocomplete_fields = ("account", "user")
    fieldsets = (
        (None, {"fields": ("account", "name", "label", "user", "managed", "type", "contact")}),
        (
            "After calls",
            {
                "fields": (
                    "wrap_up_time",
                    "max_no_answer",
                    "no_answer_delay_time",
                    "reject_delay_time",
                    "busy_delay_time",
                ),
            },
        ),
    )


class PlainForm(forms.ModelForm):  # type: ignore[type-arg]
    """A row without an account of its own; the model says what belongs together."""


@admin.register(Tier)
class TierAdmin(PushedAdmin):
    form = PlainForm
    list_display = ("queue", "agent", "level", "position")
    list_filter = (("queue__account", AccountFilter),)
    list_select_related = ("queue__account", "agent")
    search_fields = ("^queue__name", "^agent__name")
    autocomplete_fields = ("queue", "agent")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("queue", "agent") if obj else ()

    def owner(self, row: Tier) -> Account:
        return row.queue.account

    def account_of(self, request: HttpRequest, object_id: str | None) -> Account | None:
        if object_id:
            return super().account_of(request, object_id)
        queues = visible_rows(request, Queue).select_related("account")
        queue = queues.filter(pk=as_id(request.POST.get("queue"))).first()
        return queue.account if queue else None


@admin.register(QueueServer)
class QueueServerAdmin(TenantAdmin):
    """Which switches are given queues; a secret is made by ``serve_queues``."""

    view_right = Action.OPERATE
    change_right = Action.OPERATE
    list_display = ("switch", "serves_queues", "serves_directory", "asked_at", "compared_at", "complaint")
    list_select_related = ("switch",)
    autocomplete_fields = ("switch",)
    readonly_fields = ("asked_at", "compared_at", "complaint")
    form = PlainForm

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False


@admin.register(SwitchOrder)
class SwitchOrderAdmin(ReadOnlyAdmin):
    """What switches were told, and what they answered."""

    view_right = Action.CONFIGURE
    list_display = ("asked_at", "switch", "kind", "arguments", "state", "answer", "asked_by", "account")
    list_filter = (("account", AccountFilter), "state")
    list_select_related = ("account", "switch")
    ordering = ("-asked_at", "-number")


@admin.register(Difference)
class DifferenceAdmin(ReadOnlyAdmin):
    """Where a switch is not as it stands here; each can be mended either way."""

    view_right = Action.CONFIGURE
    list_display = (
        "kind",
        "name",
        "agent_name",
        "ours_in_words",
        "theirs_in_words",
        "switch",
        "account",
        "seen_at",
    )
    list_filter = (("account", AccountFilter), "kind")
    list_select_related = ("account", "switch")
    search_fields = ("^name", "^agent_name")
    actions = ("give_the_switch_ours", "take_the_switch_s")

    def has_repair_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Action.CONFIGURE)

    @admin.display(description="Here")
    def ours_in_words(self, row: Difference) -> str:
        return in_words(row.ours, row.theirs)

    @admin.display(description="On the switch")
    def theirs_in_words(self, row: Difference) -> str:
        return in_words(row.theirs, row.ours)

    @admin.action(description="Give the switch what stands here", permissions=["repair"])
    def give_the_switch_ours(self, request: HttpRequest, rows: Any) -> None:
        given = 0
        for row in rows.select_related("switch", "account"):
            if give_ours(row, label_of(request)):
                given += 1
                audit.record(actor_of(request), "repair", row, name=str(row))
            else:
                messages.warning(request, f"{row} stands only on the switch, and stays there.")
        if given:
            messages.success(request, f"The switch is told of {given}; look again in a moment.")

    @admin.action(description="Take what the switch has", permissions=["repair"])
    def take_the_switch_s(self, request: HttpRequest, rows: Any) -> None:
        for row in rows.select_related("switch", "account"):
            try:
                with transaction.atomic():
                    audit.record(actor_of(request), "take over", row, name=str(row))
                    take_theirs(row)
            except ValidationError as error:
                messages.error(request, f"{row}: {' '.join(error.messages)}")
            else:
                messages.success(request, f"{row}: taken.")


def in_words(values: dict[str, str] | None, others: dict[str, str] | None) -> str:
    """What is otherwise than on the other side."""
    if values is None:
        return "not there"
    if others is None:
        return "there"
    unlike = {name: value for name, value in values.items() if name in others and others[name] != value}
    return ", ".join(f"{name}={value}" for name, value in unlike.items())
