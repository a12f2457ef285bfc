"""A FreeSWITCH event's JSON body into one of our typed events. Source of every field: captured events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from switch import events as ev
from switch.errors import MalformedEvent
from switch.esl.wire import QUALITY, WireDecoder, WireEvent

RECORD_SUBCLASS = "ccportal::record_call"

EARLIEST = 946_684_800 * ev.MICROSECONDS
LATEST = 4_102_444_800 * ev.MICROSECONDS
BIG = 2**53

KNOWN_AND_UNUSED = frozenset(
    [
        "ADD_SCHEDULE",
        "API",
        "BACKGROUND_JOB",
        "CALL_DETAIL",
        "CALL_SECURE",
        "CALL_SETUP_REQ",
        "CALL_SETUP_RESULT",
        "CALL_UPDATE",
        "CHANNEL_APPLICATION",
        "CHANNEL_CALLSTATE",
        "CHANNEL_DATA",
        "CHANNEL_DESTROY",
        "CHANNEL_EXECUTE",
        "CHANNEL_EXECUTE_COMPLETE",
        "CHANNEL_GLOBAL",
        "CHANNEL_HANGUP",
        "CHANNEL_ORIGINATE",
        "CHANNEL_OUTGOING",
        "CHANNEL_PARK",
        "CHANNEL_PROGRESS",
        "CHANNEL_PROGRESS_MEDIA",
        "CHANNEL_STATE",
        "CHANNEL_UNPARK",
        "CHANNEL_UUID",
        "CLONE",
        "CODEC",
        "COMMAND",
        "CONFERENCE_DATA",
        "CONFERENCE_DATA_QUERY",
        "CUSTOM",
        "DEL_SCHEDULE",
        "DETECTED_SPEECH",
        "DETECTED_TONE",
        "DEVICE_STATE",
        "DTMF",
        "EXE_SCHEDULE",
        "FAILURE",
        "GENERAL",
        "LOG",
        "MEDIA_BUG_START",
        "MEDIA_BUG_STOP",
        "MESSAGE",
        "MESSAGE_QUERY",
        "MESSAGE_WAITING",
        "MODULE_LOAD",
        "MODULE_UNLOAD",
        "NAT",
        "NOTALK",
        "NOTIFY",
        "NOTIFY_IN",
        "PHONE_FEATURE",
        "PHONE_FEATURE_SUBSCRIBE",
        "PLAYBACK_START",
        "PLAYBACK_STOP",
        "PRESENCE_IN",
        "PRESENCE_OUT",
        "PRESENCE_PROBE",
        "PRIVATE_COMMAND",
        "PUBLISH",
        "QUEUE_LEN",
        "RECV_INFO",
        "RECV_MESSAGE",
        "RECV_RTCP_MESSAGE",
        "RELOADXML",
        "REQUEST_PARAMS",
        "RE_SCHEDULE",
        "ROSTER",
        "SEND_INFO",
        "SEND_MESSAGE",
        "SEND_RTCP_MESSAGE",
        "SERVER_DISCONNECTED",
        "SESSION_CRASH",
        "SESSION_HEARTBEAT",
        "SHUTDOWN_REQUESTED",
        "STARTUP",
        "SUBCLASS_ANY",
        "TALK",
        "TEXT",
        "TRANSFEREE",
        "TRAP",
        "UNPUBLISH",
    ]
)


class Translator:
    """Translates bodies; ``custom_variables`` are kept with each leg besides our own."""

    def __init__(self, custom_variables: Iterable[str] = ()) -> None:
        self._wire = WireDecoder(custom_variables)

    def translate(self, body: bytes) -> ev.Event | None:
        """The event, None for a known one that says nothing to us, ``Unknown`` for a kind nobody taught us.

        Raises ``MalformedEvent``.
        """
        wire = self._wire.decode(body)
        if not wire.core or _whole(wire.sequence, BIG) is None or not _time(wire.at):
            raise MalformedEvent("an event without identity or time")
        make = BY_NAME.get(wire.name)
        if make is None:
            return (
                None if wire.name in KNOWN_AND_UNUSED else ev.Unknown(**_moment(wire), name=wire.name[:128])
            )
        return make(self, wire)

    def _leg_created(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegCreated(**_moment(wire), channel=self._channel(wire))

    def _leg_answered(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegAnswered(**_moment(wire), channel=self._channel(wire))

    def _leg_bridged(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegBridged(
            **_moment(wire), channel=self._bare_channel(wire), a_leg=wire.bridge_a, b_leg=wire.bridge_b
        )

    def _leg_unbridged(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegUnbridged(
            **_moment(wire), channel=self._bare_channel(wire), a_leg=wire.bridge_a, b_leg=wire.bridge_b
        )

    def _leg_held(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegHeld(**_moment(wire), channel=self._bare_channel(wire))

    def _leg_resumed(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegResumed(**_moment(wire), channel=self._bare_channel(wire))

    def _leg_ended(self, wire: WireEvent) -> ev.Event | None:
        return ev.LegEnded(
            **_moment(wire),
            channel=self._channel(wire),
            cause=wire.hangup_cause,
            billsec=_whole(wire.billsec),
            duration=_whole(wire.duration),
            quality=_quality(wire),
        )

    def _recording_started(self, wire: WireEvent) -> ev.Event | None:
        return ev.RecordingStarted(
            **_moment(wire), channel=self._bare_channel(wire), path=wire.record_path, tags=_tags(wire)
        )

    def _recording_stopped(self, wire: WireEvent) -> ev.Event | None:
        return ev.RecordingStopped(
            **_moment(wire),
            channel=self._bare_channel(wire),
            path=wire.record_path,
            milliseconds=_whole(wire.record_ms),
            size=_whole(wire.record_size, BIG),
            cause=wire.record_cause or wire.record_cause_kept,
            discarded=bool(wire.record_discarded),
            tags=_tags(wire),
        )

    def _media_bug(self, wire: WireEvent) -> ev.Event | None:
        if wire.bug_function != "session_record" or not wire.bug_target:
            return None
        return ev.RecordingMoved(
            **_moment(wire),
            channel=self._bare_channel(wire),
            path=wire.bug_target,
            arrived=wire.name == "MEDIA_BUG_START",
        )

    def _heartbeat(self, wire: WireEvent) -> ev.Event | None:
        return ev.Heartbeat(**_moment(wire), sessions=wire.sessions or 0, uptime_ms=wire.uptime or 0)

    def _stopping(self, wire: WireEvent) -> ev.Event | None:
        return ev.SwitchStopping(**_moment(wire))

    def _background_job(self, wire: WireEvent) -> ev.Event | None:
        return ev.CommandAnswered(
            **_moment(wire), job=wire.job, command=wire.job_command, reply=wire.job_reply[:1024]
        )

    def _custom(self, wire: WireEvent) -> ev.Event | None:
        if wire.subclass == "callcenter::info":
            make = BY_QUEUE_ACTION.get(wire.cc_action)
            return make(wire) if make else None
        if wire.subclass == "conference::maintenance":
            return _conference(wire)
        if wire.subclass == RECORD_SUBCLASS and wire.uuid:
            return ev.RecordingAsked(
                **_moment(wire),
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


def _moment(wire: WireEvent) -> dict[str, Any]:
    return {"core": wire.core, "sequence": wire.sequence, "at": wire.at}


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
        _time(wire.created),
        _time(wire.progress),
        _time(wire.progress_media),
        _time(wire.answered),
        _time(wire.bridged),
        _time(wire.hung_up),
        wire.call_uuid,
        wire.other_leg,
        wire.read_codec,
        wire.write_codec,
        wire.network_address,
        variables,
    )


def _time(value: int | None) -> int:
    return value if value is not None and EARLIEST < value < LATEST else 0


def _whole(value: int | None, limit: int = 2**31) -> int | None:
    """A count that fits where it is kept."""
    return value if value is not None and 0 <= value < limit else None


def _epoch(value: int | None) -> int:
    return value if value is not None and EARLIEST < value * ev.MICROSECONDS < LATEST else 0


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
    }
    return {name: value for name, value in named.items() if value}


def _conference(wire: WireEvent) -> ev.Event | None:
    room = {
        **_moment(wire),
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
            milliseconds=_whole(wire.conference_ms),
            size=_whole(wire.conference_size, BIG),
        )
    return None


def _passage(wire: WireEvent) -> dict[str, Any]:
    if not wire.cc_member or not wire.cc_session:
        raise MalformedEvent(f"{wire.cc_action} without a member")
    return {
        **_moment(wire),
        "queue": wire.cc_queue,
        "member": wire.cc_member,
        "session": wire.cc_session,
        "caller_number": wire.cc_caller_number,
        "caller_name": wire.cc_caller_name,
        "joined_epoch": _epoch(wire.cc_joined),
    }


def _queue_joined(wire: WireEvent) -> ev.Event:
    return ev.QueueJoined(**_passage(wire), resumed=wire.cc_action == "member-queue-resume")


def _queue_left(wire: WireEvent) -> ev.Event:
    return ev.QueueLeft(
        **_passage(wire),
        cause=wire.cc_cause,
        cancel_reason=wire.cc_cancel_reason,
        left_epoch=_epoch(wire.cc_left),
        agent=wire.cc_agent,
        agent_leg=wire.cc_agent_leg,
        called_epoch=_epoch(wire.cc_called),
        answered_epoch=_epoch(wire.cc_answered),
        cc_hangup_cause=wire.cc_hangup_cause,
    )


def _offered(wire: WireEvent) -> ev.Event:
    return ev.AgentOffered(**_passage(wire), agent=wire.cc_agent)


def _offer_failed(wire: WireEvent) -> ev.Event:
    return ev.OfferFailed(
        **_passage(wire),
        agent=wire.cc_agent,
        cause=wire.cc_hangup_cause,
        called_epoch=_epoch(wire.cc_called),
        aborted_epoch=_epoch(wire.cc_aborted),
    )


def _agent_connected(wire: WireEvent) -> ev.Event:
    return ev.AgentConnected(
        **_passage(wire),
        agent=wire.cc_agent,
        agent_leg=wire.cc_agent_leg,
        called_epoch=_epoch(wire.cc_called),
        answered_epoch=_epoch(wire.cc_answered),
    )


def _agent_released(wire: WireEvent) -> ev.Event:
    return ev.AgentReleased(
        **_passage(wire),
        agent=wire.cc_agent,
        agent_leg=wire.cc_agent_leg,
        called_epoch=_epoch(wire.cc_called),
        answered_epoch=_epoch(wire.cc_answered),
        terminated_epoch=_epoch(wire.cc_terminated),
        cause=wire.hangup_cause,
    )


def _status_changed(wire: WireEvent) -> ev.Event:
    return ev.AgentChanged(**_moment(wire), agent=wire.cc_agent, kind="status", value=wire.cc_agent_status)


def _state_changed(wire: WireEvent) -> ev.Event:
    return ev.AgentChanged(**_moment(wire), agent=wire.cc_agent, kind="state", value=wire.cc_agent_state)


def _contact_changed(wire: WireEvent) -> ev.Event:
    return ev.AgentChanged(**_moment(wire), agent=wire.cc_agent, kind="contact", value=wire.cc_agent_contact)


def _missed_too_many(wire: WireEvent) -> ev.Event:
    return ev.AgentMissedTooMany(
        **_moment(wire), agent=wire.cc_agent, count=wire.cc_no_answers or 0, value=wire.cc_no_answer_status
    )


def _counted(wire: WireEvent) -> ev.Event:
    return ev.QueueCounted(**_moment(wire), queue=wire.cc_queue, count=wire.cc_count or 0)


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

BY_QUEUE_ACTION: dict[str, Callable[[WireEvent], ev.Event]] = {
    "member-queue-start": _queue_joined,
    "member-queue-resume": _queue_joined,
    "member-queue-end": _queue_left,
    "agent-offering": _offered,
    "bridge-agent-fail": _offer_failed,
    "bridge-agent-start": _agent_connected,
    "bridge-agent-end": _agent_released,
    "agent-status-change": _status_changed,
    "agent-state-change": _state_changed,
    "agent-contact-change": _contact_changed,
    "agent-max-no-answer": _missed_too_many,
    "members-count": _counted,
}
