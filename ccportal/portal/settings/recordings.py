"""What recordings are called, tried on a real one while it is typed, and what is recorded at all."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.models import EXPORTS_KEPT_DAYS, Account
from ccportal.portal.page import address_of
from ccportal.portal.settings.dressed import Dressed
from ccportal.portal.settings.frame import AccountFormView
from ccportal.portal.wording import listed
from policies.change import document_of
from policies.editing import CALLS
from policies.settings import Settings, account_settings, endpoint_settings
from recordings.models import Recording
from recordings.naming import About, about, ending, filled

if TYPE_CHECKING:
    _AccountForm = forms.ModelForm[Account]
else:
    _AccountForm = forms.ModelForm

FIELDS = (
    ("{started:%Y%m%d%H%M%S}", "when it began, in the account's zone"),
    ("{caller}", "number that called"),
    ("{destination}", "number that was dialled"),
    ("{agent}", "agent who talked"),
    ("{queue}", "queue it came through"),
    ("{direction}", "inbound, outbound, internal"),
    ("{label}", "label it was asked for with"),
    ("{account}", "name of the account"),
    ("{call_id}", "switch's id of the leg"),
    ("{recording_id}", "the recording's own id"),
)


class FileNamesForm(Dressed, _AccountForm):
    class Meta:
        model = Account
        fields = ("file_name_template", "clip_suffix", "keep_wav")
        labels = {
            "file_name_template": "File name",
            "clip_suffix": "Ending of parts",
            "keep_wav": "Keep the WAV file of what is recorded by policy, beside its MP3",
        }
        help_texts = {
            "file_name_template": "Counts for recordings from now on; what is there keeps its name.",
            "clip_suffix": "Clips, such as an agent's part, are named like the whole call, this behind it.",
            "keep_wav": "",
        }


@dataclass(frozen=True)
class Preview:
    """What the form would name a recording, and the agent's part of it."""

    whole: str
    part: str
    is_real: bool


def preview(form: forms.BaseForm, sample: Recording | None, account: Account) -> Preview | None:
    """None where the form is wrong: its errors say why."""
    form.full_clean()
    wanted = [form.cleaned_data.get(name) for name in ("file_name_template", "clip_suffix")]
    if not all(wanted):
        return None
    template, suffix = map(str, wanted)
    known = about(sample) if sample else example(account)
    stem = filled(template, known) or known["recording_id"]
    return Preview(f"{stem}.mp3", f"{stem}{ending(suffix, 1)}.mp3", is_real=sample is not None)


def example(account: Account) -> About:
    """A call that did not happen."""
    return About(
        started=timezone.now().astimezone(account.zone),
        caller="+493012345678",
        destination="3010",
        agent="1001",
        queue="support",
        direction="inbound",
        account=account.name,
        call_id="9d241bbe-963c-4ea2-9d5e-d0410da695f6",
        recording_id=uuid.UUID(int=0xC0FFEE).hex,
        label="",
    )


def recorded(settings: Settings) -> str:
    """Which calls are recorded, in a sentence."""
    on = [CALLS[name] for name, cell in settings.cells.items() if cell.enabled]
    if not on:
        return "Nothing is recorded by this."
    return f"{listed(on)} are recorded.".capitalize() if len(on) < len(CALLS) else "Every call is recorded."


def kept(account: Account) -> list[tuple[str, int | None]]:
    """What is kept, and for how many days."""
    return [
        ("Calls", account.keep_calls_days),
        ("Recordings", account.keep_recordings_days),
        ("Exports", account.keep_exports_days or EXPORTS_KEPT_DAYS),
    ]


class FileNamesView(AccountFormView):
    tab = "settings-recordings"
    template = "portal/settings/recordings.html"
    form_class = FileNamesForm

    def sample(self) -> Recording | None:
        """The newest recording of the account."""
        return self.rows(Recording).select_related("call", "account").order_by("-started_at", "-id").first()

    def page(self, form: forms.ModelForm[Account], status: int = 200) -> HttpResponse:
        document = document_of(self.chosen)
        tried = form if form.is_bound else self.form(self.stored())
        return self.show(
            self.template,
            status,
            form=form,
            preview=preview(tried, self.sample(), self.chosen),
            fields=FIELDS,
            kept=kept(self.chosen),
            account_recording=recorded(account_settings(document)),
            phone_recording=recorded(endpoint_settings(None, None, document)),
            policy_url=self.matrix("account"),
            phones_url=self.matrix("phones"),
        )

    def stored(self) -> dict[str, Any]:
        return {name: getattr(self.chosen, name) for name in self.form_class().fields}

    def matrix(self, kind: str) -> str | None:
        key = self.chosen.pk.hex
        return address_of(f"admin:policies_{kind}", key=key) if self.user.is_staff else None

    def post(self, request: HttpRequest) -> HttpResponse:
        """Save; the button without JavaScript that only shows the names saves nothing."""
        if "preview" in request.POST:
            return self.page(self.form(request.POST))
        return super().post(request)


class NamePreview(FileNamesView):
    """The names alone, while somebody types."""

    def get(self, request: HttpRequest) -> HttpResponse:
        form = self.form(self.stored() | request.GET.dict())
        shown = preview(form, self.sample(), self.chosen)
        wrong = form.errors.get("file_name_template") or form.errors.get("clip_suffix")
        context = {"preview": shown, "wrong": wrong[0] if wrong else ""}
        return render(request, "portal/settings/preview.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=405, headers={"Allow": "GET"})
