"""A conversation of an Asterisk from its CDR rows, its queue_log lines and what FastAGI told, in any mixture.

CDR rows are the record: they decide over what was told in ``h``, where CDR() no longer describes the call.
A row with destination ``h`` says nothing unless it is the only one. See docs/asterisk.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from cdr.assembly.asterisk_legs import caller_leg, other_legs
from cdr.assembly.asterisk_queues import hinted_visit, logged_visits, talk_of
from cdr.assembly.asterisk_told import Told, told_by
from cdr.assembly.calls import QUEUE_OUTCOMES, shown_of, wait_of
from cdr.assembly.values import CallFacts, Conversation, LegFacts, Take, VisitFacts
from cdr.directions import direction_of
from switch import events as ev
from switch.networks import NetworkRules

TWO_WRITERS = "TWO_WRITERS"
DIAL_OUTCOMES = {
    "ANSWER": "answered",
    "BUSY": "busy",
    "NOANSWER": "no_answer",
    "CANCEL": "cancelled",
    "CONGESTION": "congestion",
    "CHANUNAVAIL": "unavailable",
    "DONTCALL": "failed",
    "TORTURE": "failed",
    "INVALIDARGS": "failed",
}
ROW_OUTCOMES = {
    "ANSWERED": "answered",
    "BUSY": "busy",
    "NO ANSWER": "no_answer",
    "CANCEL": "cancelled",
    "CONGESTION": "congestion",
    "FAILED": "failed",
}


def assemble_asterisk(events: Iterable[ev.Event], rules: NetworkRules) -> Conversation:
    """Assemble one conversation from its distinct events."""
    told = told_by(events)
    root = caller_leg(told, rules)
    visits = _visits(told)
    others = other_legs(told, root, visits, rules)
    legs = {leg.uuid: leg for leg in [root, *others]}
    return Conversation(
        legs=legs,
        visits=visits,
        takes=_takes(told, root, visits),
        call=_call(told, root, legs, visits),
        is_provisional=True,
    )


def _visits(told: Told) -> list[VisitFacts]:
    hint = hinted_visit(told.own_reports, told.own_rows, told.ended)
    visits = logged_visits(told.lines)
    if not visits:
        return [hint] if hint else []
    if hint and hint.queue in ("", visits[-1].queue):
        _complete(visits[-1], hint)
    return visits


def _complete(visit: VisitFacts, hint: VisitFacts) -> None:
    """Add to the log's last passage what only the others told: its end, or an answer."""
    if not visit.answer and hint.answer and not visit.left:
        visit.offers.extend(hint.offers)
    if not visit.left and hint.left:
        visit.left, visit.left_epoch = hint.left, hint.left_epoch
        visit.cause, visit.cancel_reason = hint.cause, hint.cancel_reason
        if visit.answer:
            visit.cause, visit.cancel_reason = "Terminated", ""
    for offer in visit.offers:
        if offer.outcome == "answered" and not offer.ended:
            offer.ended = visit.left


def _call(told: Told, root: LegFacts, legs: dict[str, LegFacts], visits: list[VisitFacts]) -> CallFacts:
    shown = shown_of(visits)
    offer = shown.answer if shown else None
    rung = [leg for leg in legs.values() if leg is not root and leg.direction == "outbound"]
    answering = (legs.get(offer.agent_leg) if offer else None) or min(
        rung, key=lambda leg: (not leg.answered, leg.answered or leg.created, leg.uuid), default=None
    )
    return CallFacts(
        root=root,
        answering=answering,
        direction=direction_of(root, answering, queued=bool(visits)),
        outcome=_outcome(told, root, visits),
        started=root.created,
        answered=root.answered,
        ended=root.ended,
        queue=shown.queue if shown else "",
        agent=offer.agent if offer else "",
        wait=wait_of(visits, shown) if shown else None,
        talk=_talk(told, visits),
        hold=0,
    )


def _outcome(told: Told, root: LegFacts, visits: list[VisitFacts]) -> str:
    """By the best source there is: queue, dialled rows, DIALSTATUS, other rows."""
    if not root.ended:
        return "in_progress"
    dialed = [row for row in told.own_rows if row.application == "Dial"]
    status = told.variable("DIALSTATUS")
    if any(visit.answer for visit in visits) or any(
        row.disposition == "ANSWERED" and row.other_channel for row in dialed
    ):
        return "answered"
    if visits:
        return QUEUE_OUTCOMES.get(visits[-1].cancel_reason, "abandoned")
    if status in DIAL_OUTCOMES:
        return DIAL_OUTCOMES[status]
    found = [ROW_OUTCOMES.get(row.disposition, "failed") for row in dialed or told.own_rows]
    if found:
        return min(found, key=list(ROW_OUTCOMES.values()).index)
    return "answered" if told.variable("CHANNEL(state)") == "Up" else "no_answer"


def _talk(told: Told, visits: list[VisitFacts]) -> int:
    """The seconds of dialled rows and of the queues' log; FastAGI's milliseconds where they agree."""
    hinted = told.longest("ANSWEREDTIME")
    dialed = [row.billsec for row in told.own_rows if row.application == "Dial" and row.other_channel]
    answered = [
        row.billsec
        for row in told.own_rows
        if row.application == "Dial" and row.other_channel and row.disposition == "ANSWERED"
    ]
    logged = talk_of(told.lines)
    if logged is None and visits:
        logged = hinted or sum(_answered_span(visit) for visit in visits)
    if logged is None and not dialed:
        return hinted
    recorded = (logged or 0) + sum(answered) * ev.MICROSECONDS
    return hinted if recorded <= hinted < recorded + ev.MICROSECONDS else recorded


def _answered_span(visit: VisitFacts) -> int:
    return sum(max(offer.ended - offer.answered, 0) for offer in visit.offers if offer.answered)


def _takes(told: Told, root: LegFacts, visits: list[VisitFacts]) -> list[Take]:
    """The file that MixMonitor was told to write; run again on one path, it has two writers."""
    path = told.variable("MIXMONITOR_FILENAME")
    if not path:
        return []
    talked = [row for row in told.own_rows if row.disposition == "ANSWERED" and row.other_channel]
    shared = len(talked) > 1 and len({row.started for row in talked}) > 1
    shown = shown_of(visits)
    offer = shown.answer if shown else None
    return [
        Take(
            leg=root.uuid,
            stop_leg="",
            conference="",
            path=path,
            number=1,
            rid="",
            started_at=root.created,
            stopped_at=root.ended,
            milliseconds=None,
            size=None,
            cause=TWO_WRITERS if shared else "",
            discarded=False,
            overwritten=False,
            queue=shown.queue if shown else "",
            agent=offer.agent if offer else "",
            origin="dialplan",
        )
    ]
