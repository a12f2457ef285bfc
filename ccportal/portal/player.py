"""What the player loads: the audio in ranges, and its peaks."""

from __future__ import annotations

import re
import uuid

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase

from accounts.access import Action
from ccportal.portal.page import PortalView
from recordings.listening import note_played
from recordings.models import PLAYABLE, Media, Recording, Variant
from recordings.peaks import peaks_of
from recordings.playback import serve
from recordings.processing.wav import NotAudio

SESSION = re.compile(r"[0-9a-f]{32}")
SPAN = re.compile(r"([0-9]{1,9})-([0-9]{1,9})", re.ASCII)
MOST_SPANS = 50


class MediaView(PortalView):
    """A file of a recording that can be heard; the whole call unless another variant is asked for."""

    needed = Action.PLAY

    def media(self, recording_id: uuid.UUID) -> Media:
        variant = self.request.GET.get("variant", Variant.CALL.value)
        wanted = self.request.GET.get("format", "")
        recording = self.visible(Recording).filter(pk=recording_id, state__in=PLAYABLE).first()
        files = (
            self.visible(Media).filter(recording=recording, variant=variant).order_by("part", "format")
            if recording
            else []
        )
        part = self.request.GET.get("part", "")
        fitting = (file for file in files if wanted in ("", file.format) and part in ("", str(file.part)))
        found = next(fitting, None)
        if found is None:
            raise Http404("There is no such recording.")
        if not (self.actor and self.actor.may(self.needed)):
            raise PermissionDenied("Your account does not let you do this with recordings.")
        return found


class AudioView(MediaView):
    def get(self, request: HttpRequest, id: uuid.UUID) -> HttpResponseBase:  # noqa: A002
        download = "download" in request.GET
        self.needed = Action.DOWNLOAD if download else Action.PLAY
        return serve(request, self.media(id), inline=not download, redirect=download)


class PeaksView(MediaView):
    def get(self, request: HttpRequest, id: uuid.UUID) -> HttpResponseBase:  # noqa: A002
        try:
            peaks = peaks_of(self.media(id))
        except (NotAudio, FileNotFoundError) as unusable:
            raise Http404("The file of this recording cannot be drawn.") from unusable
        return JsonResponse(peaks, headers={"Cache-Control": "private, max-age=3600"})


class ListeningView(MediaView):
    """What the player says was played: spans of the whole call's file, in one sitting."""

    def get(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
        self.media(id)
        return HttpResponseNotAllowed(["POST"])

    def post(self, request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
        media = self.media(id)
        session = request.POST.get("session", "")
        spans = spans_in(request.POST.get("spans", ""), media.duration_ms)
        if self.actor is None or not SESSION.fullmatch(session) or not spans:
            return HttpResponse(status=400)
        note_played(self.actor, media.recording, session, spans)
        return HttpResponse(status=204)


def spans_in(text: str, duration_ms: int) -> list[tuple[int, int]]:
    """Read ``from-to`` pairs of milliseconds; nothing where one is no span of the file."""
    found = [SPAN.fullmatch(part) for part in text.split(",")[: MOST_SPANS + 1]]
    spans = [(int(match[1]), min(int(match[2]), duration_ms)) for match in found if match]
    sound = len(spans) == len(found) <= MOST_SPANS and all(begin < end for begin, end in spans)
    return spans if sound else []
