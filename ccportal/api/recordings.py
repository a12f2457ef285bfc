"""``/accounts/A/recordings``: what was recorded, and the audio itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from accounts.access import Action
from accounts.models import User
from ccportal.api.body import data_of
from ccportal.api.cells import Form, plain_cells, rounded
from ccportal.api.columns import (
    Column,
    Condition,
    Gathered,
    Kind,
    as_id,
    as_number,
    by_name,
    flag,
    identifier,
    moment,
    present,
    reading,
    rounds_to,
    stored_json,
    text,
    whole,
)
from ccportal.api.contacts import CONTACT_NAME, name_callers
from ccportal.api.documents import (
    audio_described,
    awaited_described,
    listed,
    peaks_described,
    recording_changed,
    recording_described,
    upload_described,
)
from ccportal.api.envelope import Answer
from ccportal.api.errors import Invalid, Missing
from ccportal.api.filters import Filters
from ccportal.api.pages import Keyset
from ccportal.api.recording_changes import CHANGES, RIGHTS, change, changes_of, remove
from ccportal.api.tags import TAGS, tags_seen
from ccportal.api.uploads import AwaitedView, UploadView, carries_upload_token
from ccportal.api.views import AccountView, ListView, find, preferred
from cdr.models import Leg
from policies.addresses import without_secrets
from recordings.models import PLAYABLE, Media, Recording, State, Variant
from recordings.peaks import peaks_of
from recordings.playback import MediaMissing, report_missing, serve
from recordings.processing.wav import NotAudio

FORMAT_OF_TYPE = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
}
JSON = "application/json"
FORMATS = ("mp3", "wav")
MOST_PART_DIGITS = 6


def media_of(recording: Recording) -> list[Media]:
    """The stored files, the whole call's first, and of those the smaller format."""
    return recording.seen_media  # type: ignore[attr-defined, no-any-return]


def main_media(recording: Recording) -> Media | None:
    return next((media for media in media_of(recording) if media.variant == Variant.CALL), None)


@dataclass
class Stored:
    """What a long file has to know of a recording besides its plain fields."""

    switch_ms: int | None
    seen_media: list[Media]


def stored_of(view: Any, keys: Sequence[tuple[Any, ...]]) -> list[Stored]:
    rows = view.visible(Media).filter(recording__id__any_of=[key for key, _ in keys])
    found: dict[Any, list[Media]] = {}
    for media in rows.order_by("-variant", "part", "format"):
        found.setdefault(media.recording_id.hex, []).append(media)
    return [Stored(switch_ms, found.get(key, [])) for key, switch_ms in keys]


def by_files(
    name: str,
    kind: Kind,
    value: Callable[[Any], Any],
    equals: Condition | None,
    present: Q | None,
    about: str = "",
) -> Column:
    """A field that the stored files say."""
    return Column(
        name,
        kind,
        value,
        equals,
        present,
        about=about,
        gathered=Gathered(("id", "switch_ms"), reading(stored_of)),
        form=Form(lambda found, zone: plain_cells([value(one) for one in found], zone)),
    )


def of_media(name: str, kind: Kind, path: str, read: Any = str) -> Column:
    """A field of the whole call's file."""
    return by_files(
        name,
        kind,
        lambda recording: getattr(media, path) if (media := main_media(recording)) else None,
        lambda value: has_media(Q(**{path: read(value)})),
        has_media(Q()),
    )


def has_media(condition: Q) -> Q:
    whole_call = Media._default_manager.filter(condition, variant=Variant.CALL)
    return Q(pk__in=whole_call.values("recording"))


def duration_ms(recording: Recording) -> int | None:
    """What was measured, else what the switch told."""
    media = main_media(recording)
    return media.duration_ms if media else recording.switch_ms


def cdr_id(recording: Recording) -> str | None:
    legs: list[Leg] = recording.call.seen_legs if recording.call else []  # type: ignore[attr-defined]
    return next((leg.pk.hex for leg in legs if leg.uuid == recording.leg_uuid), None)


def cdr_ids(view: Any, keys: Sequence[tuple[Any, ...]]) -> list[str | None]:
    rows = view.visible(Leg).filter(call__id__any_of=[call for call, _ in keys if call])
    found = {(call.hex, leg_uuid): pk.hex for pk, call, leg_uuid in rows.values_list("id", "call_id", "uuid")}
    return [found.get(key) for key in keys]


def of_leg(value: str) -> Q:
    leg = Leg._default_manager.filter(pk=as_id(value))
    return Q(call__in=leg.values("call"), leg_uuid__in=leg.values("uuid"))


def grants_shown(recording: Recording) -> list[dict[str, Any]]:
    """Why it was recorded; of a url to deliver to what everyone may see."""
    return [grant_shown(grant) for grant in recording.grants]


def grants_of_many(view: Any, keys: Sequence[tuple[Any, ...]]) -> list[list[dict[str, Any]]]:
    del view
    return [[grant_shown(grant) for grant in grants] for (grants,) in keys]


def grant_shown(grant: dict[str, Any]) -> dict[str, Any]:
    params = grant.get("params") or {}
    url = params.get("url")
    return grant | {"params": params | {"url": without_secrets(str(url))}} if url else grant


def variants(recording: Recording) -> list[dict[str, Any]]:
    return [present(VARIANT_COLUMNS, media) for media in media_of(recording)]


VARIANT_COLUMNS = (
    text("variant", "variant"),
    whole("part", "part"),
    text("format", "format"),
    text("file_name", "file_name"),
    whole("size", "size"),
    text("sha256", "sha256"),
    whole("duration_ms", "duration_ms"),
    whole("channels", "channels"),
    whole("sample_rate", "sample_rate"),
    text("damage", "damage", "What was wrong when it was last read: changed, gone"),
    moment("verified", "verified_at"),
)

RECORDING_COLUMNS = (
    identifier("id", "id"),
    text("call_id", "leg_uuid", "The switch's own id of the leg"),
    Column(
        "cdr_id",
        Kind.ID,
        cdr_id,
        of_leg,
        ~Q(leg_uuid="") & Q(call__isnull=False),
        about="The leg",
        gathered=Gathered(("call_id", "leg_uuid"), reading(cdr_ids)),
    ),
    identifier("interaction_id", "call_id", "The conversation"),
    identifier("account_id", "account_id"),
    identifier("owner_id", "user_id"),
    identifier("endpoint_id", "device_id"),
    text("queue_name", "queue_name"),
    text("agent_name", "agent_name"),
    text("from", "caller_number"),
    text("to", "callee_number"),
    text("caller_id_number", "caller_number"),
    text("caller_id_name", "caller_name"),
    text("callee_id_number", "callee_number"),
    text("direction", "direction"),
    text("origin", "origin", "policy, action, queue, dialplan or conference"),
    Column(
        "grants",
        Kind.LIST,
        grants_shown,
        about="Why it was recorded; of a url neither user, password nor query",
        gathered=Gathered(("grants",), reading(grants_of_many)),
    ),
    moment("start", "started_at"),
    by_files(
        "duration",
        Kind.NUMBER,
        lambda recording: rounded(duration_ms(recording)),
        lambda value: duration_is(rounds_to("duration_ms", as_number(value)), as_number(value)),
        Q(switch_ms__isnull=False) | has_media(Q()),
    ),
    by_files(
        "duration_ms",
        Kind.NUMBER,
        duration_ms,
        lambda value: (
            has_media(Q(duration_ms=as_number(value))) | (Q(switch_ms=as_number(value)) & ~has_media(Q()))
        ),
        Q(switch_ms__isnull=False) | has_media(Q()),
    ),
    of_media("format", Kind.TEXT, "format"),
    of_media("channels", Kind.NUMBER, "channels", as_number),
    of_media("sample_rate", Kind.NUMBER, "sample_rate", as_number),
    of_media("size", Kind.NUMBER, "size", as_number),
    of_media("sha256", Kind.TEXT, "sha256"),
    text("state", "state", ", ".join(State.values)),
    of_media("file_name", Kind.TEXT, "file_name"),
    text("source_path", "source_path", "Where the file was found"),
    by_files("variants", Kind.LIST, variants, None, None, "Every stored file"),
    TAGS,
    flag("legal_hold", "legal_hold"),
    stored_json("masked", Kind.LIST, "masked", "Spans that are silenced"),
    CONTACT_NAME,
)


def duration_is(measured: Q, seconds: int) -> Q:
    return has_media(measured) | (rounds_to("switch_ms", seconds) & ~has_media(Q()))


class RecordingView(AccountView):
    def recordings(self) -> QuerySet[Recording]:
        legs = self.visible(Leg).only("id", "call", "uuid")
        media = self.visible(Media).order_by("-variant", "part", "format")
        return (
            self.within(Recording)
            .select_related("call")
            .prefetch_related(Prefetch("media", media, to_attr="seen_media"))
            .prefetch_related(Prefetch("call__legs", legs, to_attr="seen_legs"))
            .prefetch_related(tags_seen(self, "call__tags"), tags_seen(self, "own_tags"))
        )

    def shown(self, recording: Recording) -> dict[str, Any]:
        name_callers(self, [recording])
        return present(RECORDING_COLUMNS, recording)


class RecordingList(RecordingView, ListView):
    columns = RECORDING_COLUMNS
    filters = Filters(by_name(RECORDING_COLUMNS))
    keyset = Keyset("started_at")
    file_name = "recordings.csv"

    def rows(self) -> QuerySet[Recording]:
        return self.recordings()

    def prepare(self, rows: Sequence[Any]) -> None:
        name_callers(self, rows)

    @listed("List recordings", RECORDING_COLUMNS, name="Recording")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return super().get(request, *args, **kwargs)


class AwaitedRecordingList(RecordingList, AwaitedView):
    @awaited_described(RECORDING_COLUMNS)
    def put(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        recording = self.awaited(request)
        shown = self.shown(self.recordings().get(pk=recording.pk))
        return self.with_token(recording, shown)


class UserRecordingList(RecordingList):
    scope_name = "recordings"

    def rows(self) -> QuerySet[Recording]:
        return super().rows().filter(user=find(self.within(User), self.kwargs["user_id"]))


class AudioView(RecordingView):
    """Whatever sends audio: who may, which file, and the note of it in the audit log."""

    def send(self, recording: Recording, media: Media) -> HttpResponseBase:
        inline = read_choice(self.request, "inline", ("true", "false")) == "true"
        self.require(Action.PLAY if inline else Action.DOWNLOAD)
        try:
            return serve(self.request._request, media, inline=inline)
        except MediaMissing as missing:
            raise Missing({"message": missing.reason, "reason": State.MISSING.value}) from None


class RecordingDetail(AudioView):
    @recording_described(RECORDING_COLUMNS)
    def get(self, request: Request, account_id: str, recording_id: str) -> HttpResponseBase:
        recording = find(self.recordings(), recording_id)
        wanted = wanted_format(request, recording)
        if wanted is None:
            return Answer(self.shown(recording))
        return self.send(recording, stored(recording, Variant.CALL, wanted))

    @recording_changed("Change a recording's tags or its hold", RECORDING_COLUMNS, CHANGES)
    def patch(self, request: Request, account_id: str, recording_id: str) -> Answer:
        recording = find(self.recordings(), recording_id)
        data = data_of(request)
        for name in RIGHTS.keys() & data.keys():
            self.require(RIGHTS[name])
        change(recording, changes_of(recording, data), self.actor)
        return Answer(self.shown(find(self.recordings(), recording_id)))

    @recording_changed("Delete a recording's audio; its row stays", RECORDING_COLUMNS)
    def delete(self, request: Request, account_id: str, recording_id: str) -> Answer:
        recording = find(self.recordings(), recording_id)
        self.require(Action.DELETE)
        remove(recording, self.actor)
        return Answer(self.shown(find(self.recordings(), recording_id)))


class RecordingMedia(AudioView):
    """The audio; a file name behind it is for senders that write one, and says nothing."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if carries_upload_token(request):
            return UploadView.as_view()(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    @upload_described
    def put(self, request: Request, *args: Any, **kwargs: Any) -> Answer:
        raise NotAuthenticated

    @audio_described("Hear a recording")
    def get(
        self, request: Request, account_id: str, recording_id: str, file_name: str = ""
    ) -> HttpResponseBase:
        recording = find(self.recordings(), recording_id)
        variant = read_choice(request, "variant", Variant.values) or Variant.CALL
        wanted = read_choice(request, "format", FORMATS) or wanted_format(request, recording)
        return self.send(recording, stored(recording, variant, wanted, read_part(request)))


class RecordingPeaks(RecordingView):
    @peaks_described
    def get(self, request: Request, account_id: str, recording_id: str) -> Answer:
        recording = find(self.recordings(), recording_id)
        variant = read_choice(request, "variant", Variant.values) or Variant.CALL
        wanted = read_choice(request, "format", FORMATS)
        media = stored(recording, variant, wanted, read_part(request))
        self.require(Action.PLAY)
        try:
            return Answer(peaks_of(media))
        except FileNotFoundError:
            missing = report_missing(media)
            raise Missing({"message": missing.reason, "reason": State.MISSING.value}) from None
        except NotAudio:
            raise Missing({"message": "The file cannot be drawn.", "reason": "unreadable"}) from None


def wanted_format(request: Request, recording: Recording) -> str | None:
    """The format of the audio that is preferred to the document, a stored one if possible."""
    read_choice(request, "accept", (JSON, *FORMAT_OF_TYPE))
    read_choice(request, "inline", ("true", "false"))
    stored_formats = {media.format for media in media_of(recording)}
    offered = [name for name, kind in FORMAT_OF_TYPE.items() if kind in stored_formats]
    found = preferred(request, JSON, *offered)
    if found == JSON:
        found = preferred(request, JSON, *FORMAT_OF_TYPE)
    return FORMAT_OF_TYPE.get(found)


def stored(recording: Recording, variant: str, wanted: str | None, part: int | None = None) -> Media:
    """The file asked for, or 404 with the reason why there is none."""
    playable = recording.state in PLAYABLE
    files = [media for media in media_of(recording) if playable and media.variant == variant]
    for media in files:
        if wanted in (None, media.format) and part in (None, media.part):
            return media
    if files and part in (None, *(media.part for media in files)):
        formats = ", ".join(media.format for media in files)
        raise Missing({"message": f"The audio is stored as {formats}.", "reason": "format"})
    reason = recording.state_reason or f"The recording is {recording.state}."
    raise Missing({"message": reason, "reason": recording.finding or recording.state})


def read_part(request: Request) -> int | None:
    """Which of several agents' parts, from 1; the first where nothing is asked."""
    value = request.query_params.get("part")
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < MOST_PART_DIGITS):
        raise Invalid.rule("part", "type", "This is not a number.", target="integer", value=value)
    return int(value)


def read_choice(request: Request, name: str, choices: Sequence[str]) -> str | None:
    value = request.query_params.get(name)
    if value is not None and value not in choices:
        raise Invalid.rule(name, "enum", "This is not one of them.", target=list(choices), value=value)
    return value
