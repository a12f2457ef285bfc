"""Where an account's audio is kept, tried out before anything depends on it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts import audit
from accounts.models import Account
from ccportal.portal.settings.dressed import Dressed
from ccportal.portal.settings.frame import SettingsView
from ccportal.portal.settings.saving import save_audited
from recordings.store_form import SECRETS, AudioStoreForm
from recordings.store_trial import Step, try_out
from recordings.stores import LOCATION, AudioStore, StoreKind, server_store

INHERIT = ""


class StoreForm(Dressed, AudioStoreForm):
    """A bucket, or the server's own storage, or whatever the account above has."""

    is_inherited = False
    kind = forms.ChoiceField(required=False, label="New recordings go to", widget=forms.RadioSelect)

    class Meta:
        model = AudioStore
        fields = ("kind", *LOCATION, "region", *SECRETS)
        widgets = {name: forms.PasswordInput({"autocomplete": "new-password"}) for name in SECRETS}
        labels = {"endpoint": "Endpoint", "prefix": "Prefix"}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        account: Account = self.instance.account
        kinds = [(StoreKind.SERVER.value, str(StoreKind.SERVER.label))] if account.parent_id else []
        inherit = "The storage of the account above" if account.parent_id else str(StoreKind.SERVER.label)
        self.fields["kind"].choices = [  # type: ignore[attr-defined]
            (INHERIT, inherit),
            *kinds,
            (StoreKind.S3.value, "A bucket of Amazon S3 or a compatible server"),
        ]
        for name in SECRETS:
            has_one = bool(self.kept[name])
            self.fields[name].help_text = "Leave it empty to keep what is there." if has_one else ""

    def clean(self) -> dict[str, Any]:
        """What is no bucket has none of a bucket's fields, and is inherited or the server's own."""
        cleaned = super().clean()
        self.is_inherited = cleaned.get("kind", INHERIT) == INHERIT
        if cleaned.get("kind") == StoreKind.S3:
            return cleaned
        for name in (*LOCATION, "region", *SECRETS):
            self.errors.pop(name, None)
            cleaned[name] = ""
        return cleaned | ({} if "kind" in self.errors else {"kind": StoreKind.SERVER.value})


class StorageView(SettingsView):
    tab = "settings-storage"

    def own(self) -> AudioStore | None:
        return self.rows(AudioStore).filter(current=True).first()

    def get(self, request: HttpRequest) -> HttpResponse:
        own = self.own()
        form = StoreForm(instance=own or AudioStore(account=self.chosen))
        form.initial["kind"] = own.kind if own else INHERIT
        return self.page(form)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.typed()
        if not form.is_valid():
            return self.page(form, status=400)
        if "test" in request.POST:
            return self.page(form, trial=self.trial(form))
        self.save(form)
        messages.success(request, "Saved. Recordings from now on go there.")
        return redirect(self.tab)

    def typed(self) -> StoreForm:
        """The form over the storage it speaks of: one that is known by its place, else a new one."""
        place = {name: self.request.POST.get(name, "").strip() for name in ("kind", *LOCATION)}
        is_bucket = place["kind"] == StoreKind.S3
        wanted = place if is_bucket else {"kind": place["kind"]}
        known = self.rows(AudioStore).filter(**wanted).order_by("-current", "-created_at").first()
        return StoreForm(self.request.POST, instance=known or AudioStore(account=self.chosen))

    def save(self, form: StoreForm) -> None:
        before = self.own()
        if form.is_inherited:
            self.rows(AudioStore).filter(current=True).update(current=False)
        elif form.instance != before:
            form.instance.current = True
            form.save()
        else:
            save_audited(self.actor, form)
            return
        after = None if form.is_inherited else form.instance
        told = [str(each) if each else "inherited" for each in (before, after)]
        if before != after:
            changes = {"storage": told}
            audit.record(self.actor, "change", self.chosen, name=self.chosen.name, changes=changes)

    def trial(self, form: StoreForm) -> list[Step]:
        """Try what is typed; the keys that stand there count where none are typed."""
        if form.is_inherited:
            return try_out(inherited_by(self.chosen))
        return try_out(form.instance if form.instance.kind == StoreKind.S3 else server_store())

    def page(self, form: StoreForm, status: int = 200, trial: list[Step] | None = None) -> HttpResponse:
        failed = next((step for step in trial or [] if step.why), None)
        told = {"trial": trial, "failed": failed}
        if getattr(self.request, "htmx", False):
            return render(self.request, "portal/settings/trial.html", told | {"wrong": form.errors})
        own = self.own()
        others = self.rows(AudioStore).filter(kind=StoreKind.S3, current=False).exists()
        return self.show("portal/settings/storage.html", status, form=form, own=own, others=others, **told)


def inherited_by(account: Account) -> AudioStore | None:
    """Where files go while the account has chosen nothing itself."""
    if account.parent_id:
        found = AudioStore.objects.chosen_by(account.parent_id)
        if found and found.kind == StoreKind.S3:
            return found
    return server_store()
