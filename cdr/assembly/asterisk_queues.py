"""The passages through an Asterisk's queues: queue_log knows them, CDR and FastAGI only the last one's end.

queue_log's stamps are whole seconds and may lie a second behind the CDR's.
"""

from __future__ import annotations

from collections.abc import Sequence

from cdr.assembly.values import OfferFacts, VisitFacts
from switch import events as ev
from switch.asterisk.ids import created_at
from switch.cdrs.report import whole

MILLISECOND = 1_000
CANCELLED = {
    "ABANDON": "BREAK_OUT",
    "EXITWITHTIMEOUT": "TIMEOUT",
    "EXITEMPTY": "NO_AGENT_TIMEOUT",
    "EXITWITHKEY": "EXIT_WITH_KEY",
}
COMPLETED = {
    "COMPLETEAGENT": 1,
    "COMPLETECALLER": 1,
    "TRANSFER": 3,
    "BLINDTRANSFER": 3,
    "ATTENDEDTRANSFER": 3,
}
STATUS_REASONS = {
    "TIMEOUT": "TIMEOUT",
    "FULL": "NO_AGENT_TIMEOUT",
    "JOINEMPTY": "NO_AGENT_TIMEOUT",
    "LEAVEEMPTY": "NO_AGENT_TIMEOUT",
    "JOINUNAVAIL": "NO_AGENT_TIMEOUT",
    "LEAVEUNAVAIL": "NO_AGENT_TIMEOUT",
    "CONTINUE": "EXIT_WITH_KEY",
}


def logged_visits(lines: Sequence[ev.QueueLogged]) -> list[VisitFacts]:
    """The passages that queue_log tells of, in the order they were joined."""
    visits: list[VisitFacts] = []
    for line in lines:
        visit = _open_visit(visits, line)
        _read(visit, line)
    return visits


def _open_visit(visits: list[VisitFacts], line: ev.QueueLogged) -> VisitFacts:
    """The passage that this line goes on with; a new one for who joins, and after one that was over."""
    own = [visit for visit in visits if visit.session == line.unique_id]
    if own and own[-1].queue == line.queue and line.verb != "ENTERQUEUE":
        return own[-1]
    member = f"{line.unique_id}/{len(own) + 1}" if own else line.unique_id
    visits.append(VisitFacts(member, line.unique_id, queue=line.queue, joined=line.at))
    return visits[-1]


def _read(visit: VisitFacts, line: ev.QueueLogged) -> None:
    fields = line.fields
    match line.verb:
        case "ENTERQUEUE":
            visit.joined, visit.joined_epoch = line.at, line.at // ev.MICROSECONDS
            visit.caller_number = _field(fields, 1)
        case "CONNECT":
            _connect(visit, line)
        case "RINGNOANSWER" | "RINGCANCELED":
            rang = whole(_field(fields, 0)) * MILLISECOND
            cause = "NO_ANSWER" if line.verb == "RINGNOANSWER" else "ORIGINATOR_CANCEL"
            visit.offers.append(OfferFacts(line.agent, line.at - rang, "", "failed", cause, 0, line.at))
        case verb if verb in COMPLETED:
            _leave(visit, line.at, "Terminated", "")
            if visit.answer:
                visit.offers[-1].ended = line.at
        case verb if verb in CANCELLED:
            _leave(visit, line.at, "Cancel", CANCELLED[verb])


def _connect(visit: VisitFacts, line: ev.QueueLogged) -> None:
    """holdtime, the agent's channel, and for how many seconds it rang."""
    rang = whole(_field(line.fields, 2)) * ev.MICROSECONDS
    offer = OfferFacts(line.agent, line.at - rang, _field(line.fields, 1), "answered", "", line.at)
    visit.offers.append(offer)
    if not visit.joined_epoch:
        visit.joined = line.at - whole(_field(line.fields, 0)) * ev.MICROSECONDS


def _leave(visit: VisitFacts, at: int, cause: str, reason: str) -> None:
    visit.left, visit.left_epoch = at, at // ev.MICROSECONDS
    visit.cause, visit.cancel_reason = cause, reason


def _field(fields: Sequence[str], position: int) -> str:
    return fields[position] if position < len(fields) else ""


def talk_of(lines: Sequence[ev.QueueLogged]) -> int | None:
    """What the log's own count of talking adds up to, in microseconds; None when it tells of none."""
    told = [_field(line.fields, COMPLETED[line.verb]) for line in lines if line.verb in COMPLETED]
    return sum(whole(text) for text in told) * ev.MICROSECONDS if told else None


def hinted_visit(
    reports: Sequence[ev.AgiReported], rows: Sequence[ev.AsteriskCdr], ended: int
) -> VisitFacts | None:
    """The last passage as far as FastAGI and CDR know it, for when queue_log is missing."""
    named = next((report for report in reversed(reports) if _is_queued(report)), None)
    row = next((row for row in reversed(rows) if row.application == "Queue"), None)
    if named is None and row is None:
        return None
    told = named.variables if named else {}
    session = named.unique_id if named else row.unique_id if row else ""
    queue = told.get("QUEUENAME") or (row.application_data.split(",")[0] if row else "")
    visit = VisitFacts(session, session, queue=queue)
    visit.joined = (row.answered or row.started) if row else created_at(session)
    left = row.at if row else ended
    _hint_end(visit, told, row, left)
    return visit


def _is_queued(report: ev.AgiReported) -> bool:
    told = report.variables
    return bool(told.get("QUEUENAME") or told.get("QUEUESTATUS") or told.get("ABANDONED"))


def _hint_end(visit: VisitFacts, told: dict[str, str], row: ev.AsteriskCdr | None, left: int) -> None:
    """Whether an agent answered, and how long he talked, by the one or the other."""
    talk = milliseconds(told, "ANSWEREDTIME")
    reason = STATUS_REASONS.get(told.get("QUEUESTATUS", ""), "")
    gave_up = told.get("ABANDONED") == "TRUE"
    has_agent = bool(row and row.other_channel and row.disposition == "ANSWERED")
    if not left:
        return
    if not (gave_up or reason) and (has_agent or talk):
        waited = whole(told.get("QEHOLDTIME", "")) * ev.MICROSECONDS
        answered = left - talk if talk else visit.joined + waited
        agent = told.get("MEMBERNAME") or told.get("MEMBERINTERFACE") or (row.other_channel if row else "")
        channel = f"{row.unique_id};{row.other_channel}" if row and row.other_channel else ""
        visit.offers.append(OfferFacts(agent, answered, channel, "answered", "", answered, left))
        _leave(visit, left, "Terminated", "")
        if row is None and waited:
            visit.joined = answered - waited
    elif gave_up or reason or (row and row.disposition != "ANSWERED"):
        _leave(visit, left, "Cancel", "BREAK_OUT" if gave_up or not reason else reason)


def milliseconds(told: dict[str, str], name: str) -> int:
    """``NAME_MS``, else ``NAME`` in seconds, as microseconds."""
    exact = whole(told.get(f"{name}_MS", ""))
    return exact * MILLISECOND if exact else whole(told.get(name, "")) * ev.MICROSECONDS
