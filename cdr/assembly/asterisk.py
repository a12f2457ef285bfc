"""A conversation of an Asterisk from its CDR rows, its queue_log lines and what FastAGI told, in any mixture.

CDR rows are the record: they decide over what was told in ``h``, where CDR() no longer describes the call.
A row with destination ``h`` says nothing unless it is the only one. See docs/asterisk.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cdr.assembly.asterisk_queues import hinted_visit, logged_visits, milliseconds, talk_of
from cdr.assembly.calls import QUEUE_OUTCOMES
from cdr.assembly.values import CallFacts, Conversation, LegFacts, OfferFacts, Take, VisitFacts
from cdr.directions import direction_of
from switch import events as ev
from switch.asterisk.causes import cause_of
from switch.asterisk.ids import created_at, order_of
from switch.networks import NetworkRules, asterisk_network_of

TWO_WRITERS = "TWO_WRITERS"
HANGUP_EXTENSION = "h"
HANGUP_PLACES = (HANGUP_EXTENSION, "s")
JUST_NOW = 1_500_000
LAST_VERBS = ("ABANDON", "COMPLETEAGENT", "COMPLETECALLER")
PEER = re.compile(r"\A[^/]*/(.*?)(?:-[^-]*)?\Z", re.DOTALL)
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
STATED_DESTINATIONS = ("DNID", "__DNID", "CALLERID(dnid)")


@dataclass(slots=True)
class Told:
    """All that is known of one conversation, by who told it."""

    reports: list[ev.AgiReported] = field(default_factory=list)
    rows: list[ev.AsteriskCdr] = field(default_factory=list)
    lines: list[ev.QueueLogged] = field(default_factory=list)

    @property
    def root_id(self) -> str:
        """The channel that the conversation began with."""
        events: list[ev.AsteriskEvent] = [*self.reports, *self.rows, *self.lines]
        named = {event.linked_id for event in events if event.linked_id}
        known = {event.unique_id for event in events}
        return min(named & known or known, key=order_of)

    @property
    def own_rows(self) -> list[ev.AsteriskCdr]:
        """The first channel's rows that say something."""
        own = [row for row in self.rows if row.unique_id == self.root_id]
        return [row for row in own if row.destination != HANGUP_EXTENSION] or own

    @property
    def own_reports(self) -> list[ev.AgiReported]:
        return [report for report in self.reports if report.unique_id == self.root_id]

    def variable(self, *names: str) -> str:
        """What the latest session that knew one of the variables told."""
        for report in reversed(self.own_reports):
            for name in names:
                if value := report.variables.get(name):
                    return value
        return ""

    @property
    def ended(self) -> int:
        """The hangup: in ``h`` it is exact, but counts only near the CDR's whole second; 0 for none."""
        recorded = max((row.at for row in self.own_rows), default=0)
        hinted = min((at for report in self.own_reports if (at := _hangup(report))), default=0)
        close = abs(hinted - recorded) <= 2 * ev.MICROSECONDS
        return (hinted if hinted and (not recorded or close) else recorded) or _logged_end(self.lines)


def assemble_asterisk(events: Iterable[ev.Event], rules: NetworkRules) -> Conversation:
    """Assemble one conversation from its distinct events."""
    told = _sorted(events)
    root = _root(told, rules)
    visits = _visits(told)
    others = _other_legs(told, root, visits, rules)
    legs = {leg.uuid: leg for leg in [root, *others]}
    return Conversation(
        legs=legs,
        visits=visits,
        takes=_takes(told, root, visits),
        call=_call(told, root, legs, visits),
        is_provisional=True,
    )


def _sorted(events: Iterable[ev.Event]) -> Told:
    told = Told()
    for event in sorted(events, key=lambda event: (event.at, event.core, event.sequence)):
        match event:
            case ev.AgiReported():
                told.reports.append(event)
            case ev.AsteriskCdr():
                told.rows.append(event)
            case ev.QueueLogged():
                told.lines.append(event)
    told.rows.sort(key=lambda row: (row.started, row.at, row.sequence))
    return told


def _hangup(report: ev.AgiReported) -> int:
    """When the channel ended, as its dialplan could read; 0 while it lives.

    After a Dial, the CDR that is read in ``h`` is a new one: it began with the hangup, just before.
    """
    told = report.variables
    if report.extension != HANGUP_EXTENSION and not _is_hangup_handler(report):
        return 0
    ended, begun = _microseconds(told.get("CDR(end,u)", "")), _microseconds(told.get("CDR(start,u)", ""))
    if ended:
        return ended
    is_new = told.get("CDR(dst)") in HANGUP_PLACES and report.at - begun <= JUST_NOW
    return begun if begun and is_new else report.at


def _is_hangup_handler(report: ev.AgiReported) -> bool:
    told = report.variables
    return report.extension == told.get("CDR(dst)") == "s" and told.get("HANGUPCAUSE", "0") != "0"


def _logged_end(lines: Sequence[ev.QueueLogged]) -> int:
    """The end of a call that only queue_log knows."""
    return max((line.at for line in lines if line.verb in LAST_VERBS), default=0)


def _microseconds(text: str) -> int:
    seconds, _, fraction = text.partition(".")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 12):
        return 0
    digits = fraction[:6] if fraction.isascii() and fraction.isdigit() else ""
    return int(seconds) * ev.MICROSECONDS + int(digits.ljust(6, "0") or 0)


def _root(told: Told, rules: NetworkRules) -> LegFacts:
    """The caller's channel."""
    rows, reports, first = told.own_rows, told.own_reports, told.own_rows[:1]
    leg = LegFacts(told.root_id, direction="inbound")
    leg.created = created_at(leg.uuid) or min((row.started for row in rows), default=0) or _earliest(told)
    leg.channel_name = _first([*(row.channel for row in first), *(report.channel for report in reports)])
    leg.context = _first([*(row.context for row in first), *(report.context for report in reports)])
    leg.profile = peer_of(leg.channel_name)
    leg.caller_number = _first(
        [told.variable("CALLERID(num)"), *(row.caller_number for row in first)]
        + [report.caller_number for report in reports]
        + [line.fields[1] for line in told.lines if line.verb == "ENTERQUEUE" and len(line.fields) > 1]
    )
    leg.caller_name = _first([told.variable("CALLERID(name)"), *(row.caller_name for row in first)])
    leg.first_caller_number, leg.first_caller_name = leg.caller_number, leg.caller_name
    leg.destination = _destination(told)
    leg.final_destination = rows[-1].destination if rows else leg.destination
    leg.answered = min((row.answered for row in rows if row.answered), default=0) or _hinted_answer(told)
    leg.ended = told.ended
    leg.duration = rows[0].duration if len(rows) == 1 else _whole_span(leg.created, leg.ended)
    leg.billsec = sum(row.billsec for row in rows) if rows else _whole_span(leg.answered, leg.ended)
    leg.cause = cause_of(told.variable("HANGUPCAUSE"), rows[-1].disposition if rows else "")
    code = _first([*(row.account_code for row in first), *(report.account_code for report in reports)])
    leg.variables = {"accountcode": code} if code else {}
    leg.network = asterisk_network_of(leg.profile, leg.context, leg.direction, rules)
    return leg


def _whole_span(begin: int, end: int) -> int | None:
    if not end:
        return None
    return (end - begin) // ev.MICROSECONDS if begin else 0


def _first(texts: Sequence[str]) -> str:
    return next((text for text in texts if text), "")


def _earliest(told: Told) -> int:
    return min(event.at for event in [*told.reports, *told.rows, *told.lines])


def peer_of(channel: str) -> str:
    """``PJSIP/trunk-0000001a`` is a channel of the peer ``trunk``."""
    found = PEER.match(channel)
    return found[1] if found else ""


def _destination(told: Told) -> str:
    """What was dialled; in ``h`` only a variable that the dialplan set before can tell."""
    stated = told.variable(*STATED_DESTINATIONS)
    rows = [row.destination for row in told.own_rows if row.destination != HANGUP_EXTENSION]
    asked = [told.variable("CDR(dst)"), *(report.extension for report in told.own_reports)]
    return _first([stated, *rows, *(each for each in asked if each not in ("h", "s"))])


def _hinted_answer(told: Told) -> int:
    """When the far end answered, from how long it was talked to until the hangup."""
    talk = max((milliseconds(report.variables, "ANSWEREDTIME") for report in told.own_reports), default=0)
    return told.ended - talk if talk and told.ended else 0


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


def _other_legs(told: Told, root: LegFacts, visits: list[VisitFacts], rules: NetworkRules) -> list[LegFacts]:
    """The channels that the first one was put through to, and those with rows of their own."""
    legs = [_rung_leg(row, visits) for row in told.own_rows if row.other_channel]
    legs += [_agent_leg(offer, visit) for visit in visits for offer in visit.offers if offer.agent_leg]
    if not told.own_rows:
        legs += _hinted_leg(told)
    legs += [_linked_leg(row) for row in told.rows if row.unique_id != root.uuid]
    distinct: dict[str, LegFacts] = {}
    for leg in legs:
        known = distinct.setdefault(leg.uuid, leg)
        if known is not leg:
            known.channel_name = known.channel_name or leg.channel_name
            known.destination = known.destination or leg.destination
    names = {leg.channel_name for leg in distinct.values() if leg.uuid.startswith(f"{root.uuid};")}
    found = [leg for leg in distinct.values() if leg.direction == "outbound" or leg.channel_name not in names]
    for leg in found:
        leg.originator = leg.other_leg = root.uuid
        leg.profile = peer_of(leg.channel_name)
        leg.network = asterisk_network_of(leg.profile, leg.context, leg.direction, rules)
    return found


def _rung_leg(row: ev.AsteriskCdr, visits: list[VisitFacts]) -> LegFacts:
    answered = row.disposition == "ANSWERED"
    offer = _offer_during(row, visits) if answered and row.application == "Queue" else None
    name = offer.agent_leg if offer and offer.agent_leg else f"{row.unique_id};{row.other_channel}"
    leg = LegFacts(name, direction="outbound", channel_name=row.other_channel, created=row.started)
    leg.caller_number, leg.caller_name = row.caller_number, row.caller_name
    leg.destination = leg.callee_number = _rung_number(row)
    if offer:
        leg.created, leg.answered, leg.ended = offer.offered, offer.answered, offer.ended or row.at
    else:
        leg.answered, leg.ended = row.answered if answered else 0, row.at
        leg.billsec, leg.duration = row.billsec, row.duration
    leg.bridged = leg.answered
    leg.cause = cause_of("", row.disposition)
    return leg


def _rung_number(row: ev.AsteriskCdr) -> str:
    """The last part of ``PJSIP/trunk/5551234,20,tT``; of several phones, the one of this channel."""
    if row.application != "Dial":
        return peer_of(row.other_channel)
    targets = row.application_data.split(",")[0].split("&")
    peer = peer_of(row.other_channel)
    target = next((each for each in targets if len(targets) == 1 or f"/{peer}" in each), targets[0])
    return target.rsplit("/", 1)[-1].partition("@")[0]


def _offer_during(row: ev.AsteriskCdr, visits: list[VisitFacts]) -> OfferFacts | None:
    offers = [offer for visit in visits for offer in visit.offers if offer.outcome == "answered"]
    near = [offer for offer in offers if row.started <= offer.answered <= row.at + ev.MICROSECONDS]
    return near[-1] if near else None


def _agent_leg(offer: OfferFacts, visit: VisitFacts) -> LegFacts:
    leg = LegFacts(offer.agent_leg, direction="outbound", created=offer.offered, answered=offer.answered)
    leg.bridged, leg.ended = offer.answered, offer.ended
    leg.caller_number = visit.caller_number
    return leg


def _hinted_leg(told: Told) -> list[LegFacts]:
    """Whom the last Dial reached, as far as FastAGI knows."""
    name = told.variable("DIALEDPEERNAME")
    if not name:
        return []
    leg = LegFacts(f"{told.root_id};{name}", direction="outbound", channel_name=name)
    leg.answered = leg.bridged = _hinted_answer(told)
    leg.ended = told.ended
    dialed = max((milliseconds(report.variables, "DIALEDTIME") for report in told.own_reports), default=0)
    leg.created = told.ended - dialed if dialed and told.ended else created_at(told.root_id)
    leg.destination = leg.callee_number = told.variable("DIALEDPEERNUMBER").rsplit("/", 1)[-1]
    leg.cause = "NORMAL_CLEARING" if leg.answered else ""
    return [leg]


def _linked_leg(row: ev.AsteriskCdr) -> LegFacts:
    leg = LegFacts(row.unique_id, direction="inbound", channel_name=row.channel)
    leg.created, leg.answered, leg.ended = row.started, row.answered, row.at
    leg.caller_number, leg.caller_name = row.caller_number, row.caller_name
    leg.first_caller_number, leg.first_caller_name = leg.caller_number, leg.caller_name
    leg.destination = leg.final_destination = row.destination
    leg.billsec, leg.duration, leg.context = row.billsec, row.duration, row.context
    leg.cause = cause_of("", row.disposition)
    return leg


def _call(told: Told, root: LegFacts, legs: dict[str, LegFacts], visits: list[VisitFacts]) -> CallFacts:
    shown = next((visit for visit in visits if visit.answer), visits[-1] if visits else None)
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
        wait=_wait(visits, shown),
        talk=_talk(told, visits),
        hold=0,
    )


def _wait(visits: list[VisitFacts], shown: VisitFacts | None) -> int | None:
    if shown is None:
        return None
    ends = [(visit, visit.answer.answered if visit.answer else visit.left) for visit in visits]
    passed = ends[: visits.index(shown) + 1]
    if not all(end for _, end in passed):
        return None
    return sum(max(end - visit.joined, 0) for visit, end in passed)


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
    hinted = max((milliseconds(report.variables, "ANSWEREDTIME") for report in told.own_reports), default=0)
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
    shown = next((visit for visit in visits if visit.answer), visits[-1] if visits else None)
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
