"""The admin's pages of recording policies: the matrix of each layer, its history, and the simulator."""

from __future__ import annotations

from functools import partial, update_wrapper
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.models import Account, Device, User
from accounts.tenant_admin import (
    TenantAdmin,
    actor_of,
    is_id,
    not_found_when_refused,
    visible_rows,
)
from policies.change import locked, restore, write
from policies.decide import Decision
from policies.editing import HALVES, KINDS, PRESETS, Draft, Subject, editor_context, preset_of
from policies.matrix import flat
from policies.models import PolicyChange, RecordingPolicy
from policies.queue_form import RecordedQueueForm
from policies.simulate import simulate
from queues.admin import QueueAdmin
from queues.models import Queue

MOST_CHANGES = 50
MOST_OFFERED = 100
NETWORKS = (("offnet", "Outside"), ("onnet", "Inside"))
ROLES = (("rings", "It rings"), ("calls", "It calls"), ("neither", "Neither"))
TRIED = {"try_from": "offnet", "try_to": "onnet", "try_role": "rings"}


class Named(forms.CharField):
    """Phones by SIP user name, and people by user name or extension, of one account; several by commas."""

    def __init__(self, label: str, most: int) -> None:
        attrs = {"class": "input", "list": "policy-phones", "autocomplete": "off"}
        super().__init__(required=False, max_length=2000, label=label, widget=forms.TextInput(attrs))
        self.most = most
        self.account: Account | None = None

    def clean(self, value: Any) -> list[Device | User]:
        names = [name.strip() for name in super().clean(value).split(",") if name.strip()]
        if len(names) > self.most:
            raise forms.ValidationError("Name one." if self.most == 1 else f"Name at most {self.most}.")
        return [self.find(name) for name in names]

    def find(self, name: str) -> Device | User:
        device = Device.objects.filter(account=self.account, sip_username=name).first()
        people = User.objects.filter(Q(username=name) | Q(extension=name), account=self.account)
        found = device or people.order_by("username").first()
        if found is None:
            raise forms.ValidationError(f"Nothing here is called {name}.")
        return found


class CallForm(forms.Form):
    """A call that did not happen: its facts as a person knows them."""

    call_from = forms.ChoiceField(choices=NETWORKS, label="It comes from", widget=forms.RadioSelect)
    call_to = forms.ChoiceField(choices=NETWORKS, label="It goes", widget=forms.RadioSelect)
    caller = Named("Who calls", 1)
    callees = Named("Who is rung", 50)
    forwarder = Named("Who forwards it outside", 1)

    def __init__(self, account: Account, data: Any = None) -> None:
        super().__init__(data, initial={"call_from": "offnet", "call_to": "onnet"})
        for one in self.fields.values():
            if isinstance(one, Named):
                one.account = account

    def call(self) -> dict[str, Any]:
        chosen = self.cleaned_data
        [caller, forwarder] = (next(iter(chosen[name]), None) for name in ("caller", "forwarder"))
        return {
            "from": chosen["call_from"],
            "to": chosen["call_to"],
            "caller": caller.pk.hex if caller else None,
            "callees": [one.pk.hex for one in chosen["callees"]],
            "forwarder": {"device": forwarder.pk.hex} if forwarder else None,
        }

    @property
    def rung(self) -> list[str]:
        return [str(one) for one in self.cleaned_data["callees"]]


admin.site.unregister(Queue)


@admin.register(Queue)
class RecordedQueueAdmin(QueueAdmin):
    """Queues with what they record."""

    form = RecordedQueueForm


@admin.register(RecordingPolicy)
class RecordingPolicyAdmin(TenantAdmin):
    """Documents are written by the matrix alone, which keeps who changed what."""

    def get_urls(self) -> list[URLPattern]:
        pages: list[tuple[str, Any, str]] = [("", self.start, "recordingpolicy_changelist")]
        for kind in KINDS:
            pages.append((f"{kind}/<str:key>/", partial(self.editor_view, kind), kind))
            pages.append(
                (f"{kind}/<str:key>/history/", partial(self.history_view_of, kind), f"{kind}_history")
            )
        pages.append(("restore/<str:key>/", self.restore_view, "restore"))
        pages.append(("simulator/<str:key>/", self.simulator_view, "simulator"))
        return [path(where, self.guarded(view), name=f"policies_{name}") for where, view, name in pages]

    def guarded(self, view: Any) -> Any:
        named = update_wrapper(lambda *args, **kwargs: view(*args, **kwargs), self.start)
        return self.admin_site.admin_view(not_found_when_refused(named))

    def actor(self, request: HttpRequest) -> Any:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return actor_of(request)

    def one(self, request: HttpRequest, model: Any, key: str) -> Any:
        """The row, if the one who asks may see and configure it."""
        self.actor(request)
        found = visible_rows(request, model).filter(pk=key).first() if is_id(key) else None
        if found is None:
            raise Http404
        return found

    def page(self, request: HttpRequest, name: str, title: str, context: dict[str, Any]) -> TemplateResponse:
        around = {**self.admin_site.each_context(request), "title": title}
        return TemplateResponse(request, f"admin/policies/{name}.html", around | context)

    def start(self, request: HttpRequest) -> HttpResponse:
        """Lead to the own account's policy; who belongs to none chooses an account first."""
        account = self.actor(request).account_id
        if account is None:
            return HttpResponseRedirect(reverse("admin:accounts_account_changelist"))
        return HttpResponseRedirect(reverse("admin:policies_account", args=[account.hex]))

    def editor_view(self, kind: str, request: HttpRequest, key: str) -> HttpResponseBase:
        subject = Subject(kind, self.one(request, KINDS[kind], key))
        if subject.account is None:
            raise Http404
        if request.method != "POST":
            preset = preset_of(subject, request.GET.get("preset", ""))
            return self.matrix(request, Draft.of(subject, preset), dict(request.GET.items()))
        if "_save" not in request.POST:
            return self.matrix(request, Draft.of(subject, request.POST), dict(request.POST.items()))
        return self.save(request, subject)

    def save(self, request: HttpRequest, subject: Subject) -> HttpResponseBase:
        """Write what the form changed, unless it breaks a rule; urls are looked up before the row is held."""
        looked_at = Draft.of(subject, request.POST)
        if looked_at.problems:
            return self.matrix(request, looked_at, dict(request.POST.items()))
        with transaction.atomic():
            held = Subject(subject.kind, locked(subject.target))
            made = write(held.target, Draft.of(held, request.POST, look_up=False).document, actor_of(request))
        messages.success(request, saved_words() if made else "Nothing was changed.")
        return HttpResponseRedirect(subject.url)

    def matrix(self, request: HttpRequest, draft: Draft, asked: dict[str, Any]) -> TemplateResponse:
        tried = {name: asked.get(name, default) for name, default in TRIED.items()}
        context = {
            **editor_context(draft, wide="any" in asked),
            "tried": tried,
            "networks": NETWORKS,
            "roles": ROLES,
            "presets": presets_for(draft),
            **told(draft.decision(tried), [draft.subject.name]),
        }
        return self.page(request, "editor", "Recording policy", context)

    def history_view_of(self, kind: str, request: HttpRequest, key: str) -> HttpResponseBase:
        subject = Subject(kind, self.one(request, KINDS[kind], key))
        rows = PolicyChange.objects.about(subject.target).select_related("restores")
        changes = [(row, differences(row)) for row in rows[:MOST_CHANGES]]
        context = {"subject": subject, "changes": changes, "most": MOST_CHANGES}
        return self.page(request, "history", "History of a recording policy", context)

    def restore_view(self, request: HttpRequest, key: str) -> HttpResponse:
        """Write an old document again, as a new change."""
        old = self.one(request, PolicyChange, key)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        made = restore(old, actor_of(request))
        messages.success(request, "Restored." if made else "It is like that already.")
        kind = "device" if old.device_id else "user" if old.user_id else "account"
        return HttpResponseRedirect(reverse(f"admin:policies_{kind}_history", args=[old.target.pk.hex]))

    def simulator_view(self, request: HttpRequest, key: str) -> HttpResponseBase:
        account = self.one(request, Account, key)
        form = CallForm(account, request.GET if "call_from" in request.GET else None)
        phones = Device.objects.filter(account=account).order_by("name")[:MOST_OFFERED]
        context: dict[str, Any] = {
            "form": form,
            "subject": Subject("account", account),
            "phones": phones,
        }
        if form.is_valid():
            _, decision = simulate(account, form.call())
            context |= told(decision, form.rung)
        return self.page(request, "simulator", "Try a call", context)


def saved_words() -> str:
    words = 'Saved. It counts for calls that begin from now on. <a href="{}"><u>Go to the calls</u></a>'
    return format_html(words, reverse("calls"))


def presets_for(draft: Draft) -> list[tuple[str, str]]:
    """What a layer that says nothing yet may begin with: words, and the address that fills the form."""
    if draft.changes or flat(draft.base) or draft.subject.kind not in HALVES:
        return []
    return [(words, f"{draft.subject.url}?preset={name}") for name, (words, _) in PRESETS.items()]


LEGS = {"account": "Caller's leg", "caller": "Caller's leg", "forwarder": "Forwarded leg"}
STARTS = {"now": "from the start", "answer": "on answer", "bridge": "when connected"}


def told(decision: Decision, rung: list[str]) -> dict[str, Any]:
    """The decision for people: each leg that is recorded, and each that is not, with the reason."""

    def leg(found: Any) -> str:
        return LEGS.get(found.scope) or f"Leg of {rung[found.callee]}"

    files = len({(grant.leg, grant.callee, grant.scope == "forwarder") for grant in decision.grants})
    return {
        "files": files,
        "grants": [(leg(grant), STARTS[grant.start], grant) for grant in decision.grants],
        "refusals": [(leg(refusal), refusal) for refusal in decision.refusals],
    }


def differences(change: PolicyChange) -> list[tuple[str, Any, Any]]:
    """What a change did: place, before, after."""
    before, after = leaves(change.before), leaves(change.after)
    places = sorted(before.keys() | after.keys())
    return [
        (name, before.get(name), after.get(name)) for name in places if before.get(name) != after.get(name)
    ]


def leaves(document: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(document, dict) or not document:
        return {name: document} if name and document is not None else {}
    found: dict[str, Any] = {}
    for key, value in document.items():
        found |= leaves(value, f"{name}.{key}".lstrip("."))
    return found
