"""What mod_callcenter tells: ``CUSTOM callcenter::info``, by its ``CC-Action``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from switch import events as ev
from switch.errors import MalformedEvent
from switch.esl.figures import epoch, moment
from switch.esl.wire import WireEvent


def _passage(wire: WireEvent) -> dict[str, Any]:
    if not wire.cc_member or not wire.cc_session:
        raise MalformedEvent(f"{wire.cc_action} without a member")
    return {
        **moment(wire),
        "queue": wire.cc_queue,
        "member": wire.cc_member,
        "session": wire.cc_session,
        "caller_number": wire.cc_caller_number,
        "caller_name": wire.cc_caller_name,
        "joined_epoch": epoch(wire.cc_joined),
    }


def _queue_joined(wire: WireEvent) -> ev.Event:
    return ev.QueueJoined(**_passage(wire), resumed=wire.cc_action == "member-queue-resume")


def _queue_left(wire: WireEvent) -> ev.Event:
    return ev.QueueLeft(
        **_passage(wire),
        cause=wire.cc_cause,
        cancel_reason=wire.cc_cancel_reason,
        left_epoch=epoch(wire.cc_left),
        agent=wire.cc_agent,
        agent_leg=wire.cc_agent_leg,
        called_epoch=epoch(wire.cc_called),
        answered_epoch=epoch(wire.cc_answered),
        cc_hangup_cause=wire.cc_hangup_cause,
    )


def _offered(wire: WireEvent) -> ev.Event:
    return ev.AgentOffered(**_passage(wire), agent=wire.cc_agent)


def _offer_failed(wire: WireEvent) -> ev.Event:
    return ev.OfferFailed(
        **_passage(wire),
        agent=wire.cc_agent,
        cause=wire.cc_hangup_cause,
        called_epoch=epoch(wire.cc_called),
        aborted_epoch=epoch(wire.cc_aborted),
    )


def _agent_connected(wire: WireEvent) -> ev.Event:
    return ev.AgentConnected(
        **_passage(wire),
        agent=wire.cc_agent,
        agent_leg=wire.cc_agent_leg,
        called_epoch=epoch(wire.cc_called),
        answered_epoch=epoch(wire.cc_answered),
    )


def _agent_released(wire: WireEvent) -> ev.Event:
    return ev.AgentReleased(
        **_passage(wire),
        agent=wire.cc_agent,
        agent_leg=wire.cc_agent_leg,
        called_epoch=epoch(wire.cc_called),
        answered_epoch=epoch(wire.cc_answered),
        terminated_epoch=epoch(wire.cc_terminated),
        cause=wire.hangup_cause,
    )


def _status_changed(wire: WireEvent) -> ev.Event:
    return ev.AgentChanged(**moment(wire), agent=wire.cc_agent, kind="status", value=wire.cc_agent_status)


def _state_changed(wire: WireEvent) -> ev.Event:
    return ev.AgentChanged(**moment(wire), agent=wire.cc_agent, kind="state", value=wire.cc_agent_state)


def _contact_changed(wire: WireEvent) -> ev.Event:
    return ev.AgentChanged(**moment(wire), agent=wire.cc_agent, kind="contact", value=wire.cc_agent_contact)


def _missed_too_many(wire: WireEvent) -> ev.Event:
    return ev.AgentMissedTooMany(
        **moment(wire), agent=wire.cc_agent, count=wire.cc_no_answers or 0, value=wire.cc_no_answer_status
    )


def _counted(wire: WireEvent) -> ev.Event:
    return ev.QueueCounted(**moment(wire), queue=wire.cc_queue, count=wire.cc_count or 0)


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
