"""Erasing a number: what would go is shown first, the number is typed again, and a report stays."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from accounts.access import Action
from ccportal.portal.compliance import ComplianceView
from ccportal.portal.erased import Erased, erased, report_of
from ccportal.portal.wording import capped, on_one_line, size
from recordings.erasure.finding import Preview, preview
from recordings.erasure.models import Erasure
from recordings.erasure.numbers import NotANumber, Sought
from recordings.erasure.work import ask

LONGEST = 64


class ErasingView(ComplianceView):
    """For those who may delete; what is asked by POST is never in an address."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not (self.actor and self.actor.may(Action.DELETE)):
            raise Http404("There is no such page.")
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        return redirect("compliance")

    def sought(self, request: HttpRequest) -> Sought | None:
        number = on_one_line(request.POST.get("number", "")).strip()[:LONGEST]
        try:
            return Sought(number, self.chosen.country)
        except NotANumber:
            messages.error(request, "Give the number to erase, with three digits at least.")
            return None

    def preview(self, sought: Sought, error: str = "") -> HttpResponse:
        found = preview(self.chosen, sought)
        return self.show(
            "portal/erasure_preview.html",
            status=400 if error else 200,
            number=sought.number,
            found=found,
            lines=list(lines_of(found)),
            before=erased(found.before, self.clock) if found.before else None,
            error=error,
        )


class ErasurePreviewView(ErasingView):
    def post(self, request: HttpRequest) -> HttpResponse:
        sought = self.sought(request)
        return self.preview(sought) if sought else redirect("compliance")


class ErasuresView(ErasingView):
    """Begin an erasure when the number was typed once more, in any way of writing."""

    def post(self, request: HttpRequest) -> HttpResponse:
        sought = self.sought(request)
        if sought is None:
            return redirect("compliance")
        if not sought.same_as(request.POST.get("typed", "")):
            return self.preview(sought, "This is not the number above.")
        return redirect("erasure", id=ask(self.chosen, sought.number, self.actor).pk)


class ErasureView(ErasingView):
    """The report of one, which grows while it is at work."""

    def get(self, request: HttpRequest, **parts: Any) -> HttpResponse:
        return self.show("portal/erasure.html", erasure=self.one(parts["id"]))

    def one(self, key: uuid.UUID) -> Erased:
        row = self.rows(Erasure).filter(pk=key).first()
        if row is None:
            raise Http404("There is no such erasure.")
        return erased(row, self.clock)


class ErasureReportView(ErasureView):
    def get(self, request: HttpRequest, **parts: Any) -> HttpResponse:
        row = self.one(parts["id"])
        text = "\n".join(report_of(row, self.chosen.name)) + "\n"
        name = f"erasure-{row.key[:8]}.txt"
        return HttpResponse(
            text,
            content_type="text/plain; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def lines_of(found: Preview) -> list[tuple[str, str, str]]:
    """What is shown before it is done: what, how many, and a word on it."""
    audio = f"{size(found.bytes)} of audio, with waveforms and copies in buckets"
    lines = [
        ("Calls", found.calls, "from it, to it or answered by it"),
        ("Recordings", found.recordings, audio),
        *((name.capitalize(), count, "of these calls") for name, count in found.parts),
        ("Evidence", found.evidence, "conversations as the switch told them"),
        ("Contacts", found.contacts, ""),
        ("Exports", found.exports, "are looked through; those with the number in them go"),
    ]
    return [(name, capped(count), told) for name, count, told in lines]
