"""``/accounts/A/cdrs``: a row is a leg, and ``/cdrs/interaction``: a row is a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Case, Exists, Expression, OuterRef, Prefetch, Q, QuerySet, TextField, Value, When
from django.http import Http404
from rest_framework.request import Request

from accounts.models import User
from ccportal.api.body import is_storable
from ccportal.api.columns import (
    Column,
    Gathered,
    Kind,
    as_id,
    by_name,
    gregorian,
    identifier,
    moment,
    number,
    present,
    reading,
    seconds,
    text,
    unix,
    whole,
)
from ccportal.api.contacts import CONTACT_NAME, name_callers
from ccportal.api.database_cells import IdsCell
from ccportal.api.documents import described, listed
from ccportal.api.envelope import Answer
from ccportal.api.filters import Filters
from ccportal.api.pages import Keyset
from ccportal.api.recordings import grants_shown
from ccportal.api.tags import CALL_TAGS, tags_seen
from ccportal.api.views import AccountView, ListView, find, same_id
from cdr.models import AgentOffer, Call, CallAlias, Leg
from recordings.models import Recording


def recordings_of_leg(leg: Leg) -> list[Recording]:
    """Those that were asked for on this leg, first take first."""
    return [recording for recording in leg.call.seen_recordings if recording.leg_uuid == leg.uuid]  # type: ignore[attr-defined]


def recording_ids_of_leg(leg: Leg) -> list[str]:
    return [recording.pk.hex for recording in recordings_of_leg(leg)]


def recording_ids_of_call(call: Call) -> list[str]:
    return [recording.pk.hex for recording in call.seen_recordings]  # type: ignore[attr-defined]


def recordings_of_legs(view: Any, keys: Sequence[tuple[Any, ...]]) -> list[list[str]]:
    """Of legs with call, uuid and the call's number of recordings, the ids of their own."""
    found = gathered_recordings(view, [call for call, _, count in keys if count], "leg_uuid")
    return [found.get((call, leg_uuid), []) for call, leg_uuid, _ in keys]


def recordings_of_calls(view: Any, keys: Sequence[tuple[Any, ...]]) -> list[list[str]]:
    """Of calls with their number of recordings, the ids of those."""
    found = gathered_recordings(view, [call for call, count in keys if count])
    return [found.get((call,), []) for call, _ in keys]


def gathered_recordings(view: Any, calls: list[str], *by: str) -> dict[tuple[Any, ...], list[str]]:
    """The ids of the calls' recordings, first take first, under the call's id and what fields they have."""
    found: dict[tuple[Any, ...], list[str]] = {}
    if calls:
        rows = view.visible(Recording).filter(call__id__any_of=calls).order_by("started_at", "id")
        for key, call, *others in rows.values_list("id", "call_id", *by):
            found.setdefault((call.hex, *others), []).append(key.hex)
    return found


def told_recordings(view: Any, count: str, **by: str) -> Expression:
    """The same as PostgreSQL writes it, of rows that have a count: their values by the recordings' fields."""
    own = {name: OuterRef(path) for name, path in by.items()}
    ids = view.visible(Recording).filter(**own).order_by("started_at", "id").values("id")
    return Case(When(**{f"{count}__gt": 0}, then=IdsCell(ids)), default=Value(""), output_field=TextField())


def legs_with_recording(value: str) -> Q:
    """The legs of a recording's call that have its leg's uuid; a pair of texts needs no join."""
    recording = Recording._default_manager.filter(pk=as_id(value))
    return Q(call__in=recording.values("call"), uuid__in=recording.values("leg_uuid"))


def with_agent(call: str, agent_name: str) -> Q:
    """The rows whose conversation an agent had, first or after another; ``call`` leads to it."""
    first = "agent_name" if call == "pk" else f"{call}__agent_name"
    offers = AgentOffer._default_manager.filter(agent_name=agent_name, listed_at__isnull=False)
    answered = offers.filter(account=OuterRef("account"), call=OuterRef(call))
    return Q(**{first: agent_name}) | Q(Exists(answered))


def any_agent(call: str) -> Column:
    column = text("agent_name", "agent_name" if call == "pk" else f"{call}__agent_name", "Who answered first")
    return replace(column, equals=lambda value: with_agent(call, value))


CDR_COLUMNS = (
    identifier("id", "id"),
    text("call_id", "uuid", "The switch's own id of the leg"),
    identifier("interaction_id", "call_id", "The conversation"),
    text("direction", "direction", "As the switch sees it: inbound or outbound"),
    text("call_direction_for_people", "call__direction", "inbound, outbound, internal, forwarded, unknown"),
    text("caller_id_number", "caller_number"),
    text("caller_id_name", "caller_name"),
    text("callee_id_number", "callee_number"),
    text("callee_id_name", "callee_name"),
    text("to", "final_destination_number", "Where the leg was going at its end"),
    text("from", "caller_number"),
    text("dialed_number", "destination_number", "Where the leg was going when it was created"),
    whole("duration_seconds", "duration", "As the switch counts it"),
    whole("billing_seconds", "billsec", "As the switch counts it"),
    gregorian("timestamp", "created_at"),
    unix("unix_timestamp", "created_at"),
    moment("iso_8601", "created_at"),
    text("hangup_cause", "hangup_cause"),
    text("other_leg_call_id", "other_leg_uuid"),
    identifier("owner_id", "user_id"),
    identifier("authorizing_id", "device_id"),
    text("bridge_id", "call__leg_uuid", "The switch's id of the conversation's first leg"),
    text("queue_name", "call__queue_name"),
    any_agent("call"),
    Column(
        "media_recordings",
        Kind.IDS,
        recording_ids_of_leg,
        legs_with_recording,
        Q(call__recording_count__gt=0),
        about="Recordings of the leg",
        gathered=Gathered(
            ("call_id", "uuid", "call__recording_count"),
            reading(recordings_of_legs),
            lambda view: told_recordings(view, "call__recording_count", call="call_id", leg_uuid="uuid"),
        ),
    ),
    text("media_server", "switch__name"),
    CONTACT_NAME,
)

CALL_COLUMNS = (
    identifier("id", "id"),
    text("call_id", "leg_uuid", "The switch's own id of the first leg"),
    identifier("interaction_id", "id"),
    text("call_direction_for_people", "direction", "inbound, outbound, internal, forwarded, unknown"),
    text("outcome", "outcome"),
    number("caller_id_number", "caller_number", "caller_digits"),
    text("caller_id_name", "caller_name"),
    number("callee_id_number", "callee_number", "callee_digits"),
    text("callee_id_name", "callee_name"),
    number(
        "dialed_number",
        "dialed_number",
        "dialed_digits",
        "The number that was dialled, also after a transfer",
    ),
    whole("duration_seconds", "duration", "As the switch counts the first leg"),
    whole("billing_seconds", "billsec", "As the switch counts the first leg"),
    seconds("wait_seconds", "wait_ms"),
    seconds("talk_seconds", "talk_ms"),
    seconds("hold_seconds", "hold_ms"),
    gregorian("timestamp", "started_at"),
    unix("unix_timestamp", "started_at"),
    moment("iso_8601", "started_at"),
    moment("answered", "answered_at"),
    moment("ended", "ended_at"),
    text("hangup_cause", "hangup_cause"),
    identifier("owner_id", "user_id"),
    identifier("authorizing_id", "device_id"),
    text("queue_name", "queue_name"),
    any_agent("pk"),
    whole("leg_count", "leg_count"),
    Column(
        "media_recordings",
        Kind.IDS,
        recording_ids_of_call,
        lambda value: Q(recordings=as_id(value)),
        Q(recording_count__gt=0),
        about="Recordings of the conversation",
        gathered=Gathered(
            ("id", "recording_count"),
            reading(recordings_of_calls),
            lambda view: told_recordings(view, "recording_count", call="id"),
        ),
    ),
    text("media_server", "switch__name"),
    CALL_TAGS,
    CONTACT_NAME,
)

DOCUMENT_COLUMNS = (
    identifier("account_id", "account_id"),
    text("channel_name", "channel_name"),
    text("network", "network"),
    text("profile", "profile"),
    text("context", "context"),
    text("gateway", "gateway"),
    text("originating_leg_call_id", "originator_uuid"),
    moment("created", "created_at"),
    moment("ringing", "ringing_at"),
    moment("answered", "answered_at"),
    moment("bridged", "bridged_at"),
    moment("ended", "ended_at"),
    whole("duration_ms", "duration_ms"),
    whole("hold_ms", "hold_ms"),
    whole("post_dial_delay_ms", "post_dial_delay_ms"),
    text("sip_status", "sip_status"),
    text("read_codec", "read_codec"),
    text("write_codec", "write_codec"),
    Column("quality", Kind.OBJECT, lambda leg: leg.quality),
    Column("custom_channel_vars", Kind.OBJECT, lambda leg: custom_channel_vars(leg)),
    Column(
        "grants",
        Kind.LIST,
        lambda leg: [grant for recording in recordings_of_leg(leg) for grant in grants_shown(recording)],
        about="Why the leg was recorded: every grant of each of its recordings",
    ),
)
FULL_CDR_COLUMNS = (*CDR_COLUMNS, *DOCUMENT_COLUMNS)


def custom_channel_vars(leg: Leg) -> dict[str, Any]:
    """The channel variables that are kept, and the first recording as Crossbar names it."""
    recordings = recording_ids_of_leg(leg)
    found: dict[str, Any] = leg.variables | leg.custom
    return found | ({"media_recording_id": recordings[0]} if recordings else {})


class CallersNamed(ListView):
    """A list whose rows have a caller."""

    def prepare(self, rows: Sequence[Any]) -> None:
        name_callers(self, rows)


class LegView(AccountView):
    """Whatever shows legs: their conversation, switch and recordings come along."""

    def legs(self) -> QuerySet[Leg]:
        recordings = (
            self.visible(Recording).only("id", "call", "leg_uuid", "grants").order_by("started_at", "id")
        )
        return (
            self.within(Leg)
            .select_related("call", "switch")
            .prefetch_related(Prefetch("call__recordings", recordings, to_attr="seen_recordings"))
        )


class CdrList(LegView, CallersNamed):
    columns = CDR_COLUMNS
    filters = Filters(by_name(CDR_COLUMNS), custom_paths=("custom", "variables"))
    keyset = Keyset("created_at")
    file_name = "cdrs.csv"

    def rows(self) -> QuerySet[Leg]:
        return self.legs().defer("variables", "quality", "custom")

    @listed("List call detail records, a row a leg", CDR_COLUMNS, name="Cdr")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return super().get(request, *args, **kwargs)


class UserCdrList(CdrList):
    scope_name = "cdrs"

    def rows(self) -> QuerySet[Leg]:
        return super().rows().filter(user=find(self.within(User), self.kwargs["user_id"]))


class CdrDetail(LegView):
    @described("Read one leg's full document", FULL_CDR_COLUMNS, name="FullCdr")
    def get(self, request: Request, account_id: str, cdr_id: str) -> Answer:
        leg = find(self.legs(), cdr_id)
        name_callers(self, [leg])
        return Answer(present(FULL_CDR_COLUMNS, leg))


class InteractionList(CallersNamed):
    columns = CALL_COLUMNS
    filters = Filters(by_name(CALL_COLUMNS))
    keyset = Keyset("started_at")
    file_name = "interactions.csv"

    def rows(self) -> QuerySet[Call]:
        recordings = self.visible(Recording).only("id", "call").order_by("started_at", "id")
        return (
            self.within(Call)
            .select_related("switch")
            .prefetch_related(Prefetch("recordings", recordings, to_attr="seen_recordings"))
            .prefetch_related(tags_seen(self, "tags"))
        )

    @listed("List conversations", CALL_COLUMNS, name="Interaction")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return super().get(request, *args, **kwargs)


class InteractionLegs(LegView):
    @described("Read every leg of a conversation, oldest first", FULL_CDR_COLUMNS, name="FullCdr", many=True)
    def get(self, request: Request, account_id: str, interaction_id: str) -> Answer:
        legs = list(self.legs().filter(call=self.call(interaction_id)).order_by("created_at", "id"))
        name_callers(self, legs)
        return Answer([present(FULL_CDR_COLUMNS, leg) for leg in legs])

    def call(self, identifier: str) -> Call:
        """The conversation by its id, one it had before, or a leg's: ours or the switch's."""
        key = same_id(identifier)
        if key is None and not is_storable(identifier):
            raise Http404
        calls = self.within(Call)
        legs = self.within(Leg).filter(Q(pk=key) if key else Q(uuid=identifier))
        found = calls.filter(pk=key).first() if key else None
        found = found or calls.filter(pk__in=legs.values("call")).first()
        if found is None and key:
            found = calls.filter(pk__in=CallAlias.objects.filter(pk=key).values("call")).first()
        if found is None:
            raise Http404
        return found
