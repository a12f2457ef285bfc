"""A FreeSWITCH event's JSON body into one of our typed events. Source of every field: captured events."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from switch import events as ev
from switch.errors import MalformedEvent
from switch.esl.figures import BIG, moment, time_of, whole
from switch.esl.filters import EVENT_NAMES
from switch.esl.queue_events import BY_QUEUE_ACTION
from switch.esl.wire import QUALITY, WireDecoder, WireEvent

RECORD_SUBCLASS = "ccportal::record_call"


class Translator:
    """Translates bodies; ``custom_variables`` are kept with each leg besides our own."""

    def __init__(self, custom_variables: Iterable[str] = ()) -> None:
        self._wire = WireDecoder(custom_variables)

    def translate(self, body: bytes) -> ev.Event | None:
        """The event, None for a known one that says nothing to us, ``Unknown`` for a kind nobody taught us.

        Raises ``MalformedEvent``.
        """
        wire = self._wire.decode(body)
        if wire.subclass == RECORD_SUBCLASS:
            wire = self._wire.decode_whole(body)
        if not wire.core or whole(wire.sequence, BIG) is None or not time_of(wire.at):
            raise MalformedEvent("an event without identity or time")
        make = BY_NAME.get(wire.name)
        if make is None:
            known = wire.name in EVENT_NAMES
            return None if known else ev.Unknown(**moment(wire), name=wire.name[:128])
        return make(self, wire)

    def _leg_created(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegCreated(**moment(wire), channel=self._channel(wire))

    def _leg_answered(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegAnswered(**moment(wire), channel=self._channel(wire))

    def _leg_bridged(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegBridged(
            **moment(wire), channel=self._bare_channel(wire), a_leg=wire.bridge_a, b_leg=wire.bridge_b
        )

    def _leg_unbridged(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegUnbridged(
            **moment(wire), channel=self._bare_channel(wire), a_leg=wire.bridge_a, b_leg=wire.bridge_b
        )

    def _leg_held(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegHeld(**moment(wire), channel=self._bare_channel(wire))

    def _leg_resumed(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegResumed(**moment(wire), channel=self._bare_channel(wire))

    def _leg_ended(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegEnded(
            **moment(wire),
            channel=self._channel(wire),
            cause=wire.hangup_cause,
            billsec=whole(wire.billsec),
            duration=whole(wire.duration),
            quality=_quality(wire),
        )

    def _recording_started(self, wire: WireEvent) -> ev.Event | None:
        return ev.RecordingStarted(
            **moment(wire), channel=self._bare_channel(wire), path=wire.record_path, tags=_tags(wire)
        )

    def _recording_stopped(self, wire: WireEvent) -> ev.Event | None:
        return ev.RecordingStopped(
            **moment(wire),
            channel=self._bare_channel(wire),
            path=wire.record_path,
            milliseconds=whole(wire.record_ms),
            size=whole(wire.record_size, BIG),
            cause=wire.record_cause or wire.record_cause_kept,
            discarded=bool(wire.record_discarded),
            tags=_tags(wire),
        )

    def _media_bug(self, wire: WireEvent) -> ev.Event | None:
        if wire.bug_function != "session_record" or not wire.bug_target:
            return None
        return ev.RecordingMoved(
            **moment(wire),
            channel=self._bare_channel(wire),
            path=wire.bug_target,
            arrived=wire.name == "MEDIA_BUG_START",
        )

    def _heartbeat(self, wire: WireEvent) -> ev.Event | None:
        return ev.Heartbeat(**moment(wire), sessions=wire.sessions or 0, uptime_ms=wire.uptime or 0)

    def _stopping(self, wire: WireEvent) -> ev.Event | None:
        return ev.SwitchStopping(**moment(wire))

    def _background_job(self, wire: WireEvent) -> ev.Event | None:
        return ev.CommandAnswered(
            **moment(wire), job=wire.job, command=wire.job_command, reply=wire.job_reply[:1024]
        )

    def _custom(self, wire: WireEvent) -> ev.Event | None:
        if wire.subclass == "callcenter::info":
            make = BY_QUEUE_ACTION.get(wire.cc_action)
            return make(wire) if make else None
        if wire.subclass == "conference::maintenance":
            return _conference(wire)
        if wire.subclass == RECORD_SUBCLASS and wire.uuid:
            return ev.RecordingAsked(
                **moment(wire),
                channel=self._bare_channel(wire),
                action=wire.ask_action or "start",
                parameters=_asked(wire),
            )
        return None

    def _channel(self, wire: WireEvent) -> ev.Channel:
        kept = {name: value for field, name in self._wire.variables if (value := getattr(wire, field))}
        return _channel(wire, kept)

    def _bare_channel(self, wire: WireEvent) -> ev.Channel:
        return _channel(wire, {})


def _channel(wire: WireEvent, variables: dict[str, str]) -> ev.Channel:
    if not wire.uuid:
        raise MalformedEvent(f"{wire.name} without a channel")
    return ev.Channel(
        wire.uuid,
        wire.direction,
        wire.channel_name,
        variables.get("sofia_profile_name", ""),
        wire.context,
        wire.source,
        wire.caller_number,
        wire.caller_name,
        wire.callee_number,
        wire.callee_name,
        wire.destination,
        time_of(wire.created),
        time_of(wire.progress),
        time_of(wire.progress_media),
        time_of(wire.answered),
        time_of(wire.bridged),
        time_of(wire.hung_up),
        wire.call_uuid,
        wire.other_leg,
        wire.read_codec,
        wire.write_codec,
        wire.network_address,
        variables,
    )


def _quality(wire: WireEvent) -> dict[str, float]:
    found = {}
    for field in QUALITY:
        text = getattr(wire, f"q_{field}")
        if text and text.replace(".", "", 1).isdigit() and text.isascii() and len(text) < 16:
            found[field] = float(text)
    return found


def _tags(wire: WireEvent) -> dict[str, str]:
    """What is known of who asked: our own id, or the queue's ``record-template`` that gave this very path."""
    tags = {"rid": wire.record_id} if wire.record_id else {}
    return tags | {"by": "queue"} if wire.record_by_queue == wire.record_path else tags


def _asked(wire: WireEvent) -> dict[str, str]:
    named = {
        "label": wire.ask_label,
        "format": wire.ask_format,
        "time_limit": wire.ask_time_limit,
        "record_min_sec": wire.ask_min_sec,
        "record_sample_rate": wire.ask_sample_rate,
        "media_name": wire.ask_media_name,
        "method": wire.ask_method,
    }
    return {name: value for name, value in named.items() if value}


def _conference(wire: WireEvent) -> ev.Event | None:
    room = {
        **moment(wire),
        "conference": wire.conference,
        "name": wire.conference_name,
        "domain": wire.conference_domain,
    }
    if not wire.conference:
        return None
    if wire.action == "add-member" and wire.uuid:
        return ev.ConferenceJoined(**room, leg=wire.uuid)
    if wire.action == "start-recording":
        return ev.ConferenceRecordingStarted(**room, path=wire.conference_path)
    if wire.action == "stop-recording":
        return ev.ConferenceRecordingStopped(
            **room,
            path=wire.conference_path,
            milliseconds=whole(wire.conference_ms),
            size=whole(wire.conference_size, BIG),
        )
    return None


BY_NAME: dict[str, Callable[[Translator, WireEvent], ev.Event | None]] = {
    "CHANNEL_CREATE": Translator._leg_created,
    "CHANNEL_ANSWER": Translator._leg_answered,
    "CHANNEL_BRIDGE": Translator._leg_bridged,
    "CHANNEL_UNBRIDGE": Translator._leg_unbridged,
    "CHANNEL_HOLD": Translator._leg_held,
    "CHANNEL_UNHOLD": Translator._leg_resumed,
    "CHANNEL_HANGUP_COMPLETE": Translator._leg_ended,
    "RECORD_START": Translator._recording_started,
    "RECORD_STOP": Translator._recording_stopped,
    "MEDIA_BUG_START": Translator._media_bug,
    "MEDIA_BUG_STOP": Translator._media_bug,
    "HEARTBEAT": Translator._heartbeat,
    "SHUTDOWN": Translator._stopping,
    "BACKGROUND_JOB": Translator._background_job,
    "CUSTOM": Translator._custom,
}
