"""Admin of what happened: to look at, and for operators to say whose a quarantined call is."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from accounts.access import Action
from accounts.models import Account
from accounts.tenant_admin import (
    OneAccountFilter,
    OneRow,
    ReadOnlyAdmin,
    ReadOnlyInline,
    actor_of,
    visible_rows,
)
from cdr.assign import assign
from cdr.models import AgentOffer, Call, Leg, QueueVisit

MOST_ASSIGNED = 10_000


class LegInline(ReadOnlyInline):
    model = Leg
    fields = ("uuid", "direction", "caller_number", "destination_number", "created_at", "hangup_cause")
    readonly_fields = fields


class QueueVisitInline(ReadOnlyInline):
    model = QueueVisit
    fields = ("queue_name", "agent_name", "joined_at", "answered_at", "left_at", "cause", "cancel_reason")
    readonly_fields = fields


class AgentOfferInline(ReadOnlyInline):
    model = AgentOffer
    fields = ("agent_name", "outcome", "offered_at", "answered_at", "ended_at", "hangup_cause")
    readonly_fields = fields
    show_change_link = False


class AccountChoice(forms.Form):
    """Asks whose calls are."""

    account = forms.ModelChoiceField(Account.objects.none())

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(data)
        field: Any = self.fields["account"]
        field.queryset = visible_rows(request, Account)
        field.widget = OneRow(Call._meta.get_field("account"), admin.site)
        field.widget.choices = field.choices


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    """One account's conversations; an operator who chose none sees the quarantine."""

    list_display = (
        "started_at",
        "direction",
        "caller_number",
        "dialed_number",
        "queue_name",
        "agent_name",
        "outcome",
        "account",
    )
    list_filter = (("account", OneAccountFilter), "direction", "outcome")
    list_select_related = ("account",)
    search_fields = ("caller_digits",)
    search_help_text = "The first digits of a number"
    digits_fields = ("caller_digits", "dialed_digits", "callee_digits")
    sortable_by = ("started_at",)
    inlines = (LegInline, QueueVisitInline, AgentOfferInline)
    actions = ("assign_to_account",)

    def has_assign_permission(self, request: HttpRequest) -> bool:
        return self.may(request, Action.OPERATE)

    @admin.action(description="Assign to account", permissions=["assign"])
    def assign_to_account(self, request: HttpRequest, calls: Any) -> HttpResponseBase | None:
        """Ask for the account, then make the chosen calls its own."""
        chosen = AccountChoice(request, request.POST if "assign" in request.POST else None)
        ids = list(calls.values_list("pk", flat=True)[: MOST_ASSIGNED + 1])
        if len(ids) > MOST_ASSIGNED:
            messages.error(request, f"Choose at most {MOST_ASSIGNED:,} calls at once.")
            return None
        if not chosen.is_valid():
            return self.ask_for_account(request, chosen, len(ids))
        account = chosen.cleaned_data["account"]
        count = assign(ids, account, actor_of(request))
        messages.success(request, f"Assigned to {account}: {count:,}.")
        return None

    def ask_for_account(self, request: HttpRequest, form: AccountChoice, count: int) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Assign to account",
            "opts": self.opts,
            "form": form,
            "media": self.media + form.media,
            "count": count,
            "selected": request.POST.getlist("_selected_action"),
            "select_across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "admin/cdr/call/assign.html", context)


@admin.register(Leg)
class LegAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "uuid", "direction", "caller_number", "destination_number", "account")
    list_filter = (("account", OneAccountFilter),)
    list_select_related = ("account",)
    ordering = ("-created_at", "-id")
    search_fields = ("uuid__exact",)
    search_help_text = "A leg's uuid"
    sortable_by = ("created_at",)


@admin.register(QueueVisit)
class QueueVisitAdmin(ReadOnlyAdmin):
    list_display = ("joined_at", "queue_name", "caller_number", "agent_name", "cause", "account")
    list_filter = (("account", OneAccountFilter),)
    list_select_related = ("account",)
    ordering = ("-joined_at", "-id")
    sortable_by = ("joined_at",)
    inlines = (AgentOfferInline,)
