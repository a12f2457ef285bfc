"""Figures counted from the rows one by one, without the code that keeps them."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

from accounts.models import Account
from cdr.models import AgentFigures, AgentOffer, QueueFigures, QueueVisit
from queues.models import AgentChange

Figures = dict[tuple[str, str, dt.datetime], dict[str, int]]
SECOND = dt.timedelta(seconds=1)
WITHDRAWN = ("", "LOSE_RACE", "ORIGINATOR_CANCEL", "PICKED_OFF", "SYSTEM_SHUTDOWN", "LOST_TRACK")
AT_ONCE = 2000


def quarter(moment: dt.datetime) -> dt.datetime:
    return dt.datetime.fromtimestamp(moment.timestamp() // 900 * 900, dt.UTC)


def ms_between(begin: dt.datetime, end: dt.datetime) -> int:
    return int((end - begin) // dt.timedelta(milliseconds=1))


def overlaps(begin: dt.datetime, end: dt.datetime) -> list[tuple[dt.datetime, int]]:
    found, moment = [], quarter(begin)
    while moment < end:
        stop = moment + 900 * SECOND
        found.append((moment, ms_between(begin, min(end, stop)) - max(ms_between(begin, moment), 0)))
        moment = stop
    return found


def queue_figures(account: Account) -> Figures:
    sums: dict[tuple[str, dt.datetime], Counter[str]] = defaultdict(Counter)
    visits = QueueVisit.objects.filter(account=account).prefetch_related("offers")
    for visit in visits.iterator(chunk_size=AT_ONCE):
        mine = sums[visit.queue_name, quarter(visit.joined_at)]
        mine["offered"] += 1
        wait = (visit.wait_ms or 0) / 1000
        if visit.answered_at:
            mine["answered"] += 1
            mine["answer_wait_ms"] += visit.wait_ms or 0
            for seconds in (5, 10, 15, 20, 25, 30, 40, 45, 60, 90, 120, 180, 300):
                mine[f"within_{seconds}"] += wait <= seconds
        elif visit.left_at and visit.cancel_reason == "BREAK_OUT":
            mine["hung_up"] += 1
            for seconds in (2, 3, 5, 10, 15, 20, 30):
                mine[f"short_{seconds}"] += wait < seconds
        elif visit.left_at:
            names = {"TIMEOUT": "timed_out", "NO_AGENT_TIMEOUT": "no_agent", "EXIT_WITH_KEY": "exited"}
            mine[names.get(visit.cancel_reason, "lost")] += 1
        if visit.answered_at or visit.left_at:
            mine["wait_ms"] += visit.wait_ms or 0
        mine["longest_wait_ms"] = max(mine["longest_wait_ms"], visit.wait_ms or 0)
        for offer in visit.offers.all():
            if offer.outcome != "answered":
                continue
            talked = offer.talk_ms or 0
            mine["talk_ms"] += talked - min(offer.hold_ms, talked)
            mine["hold_ms"] += min(offer.hold_ms, talked)
            mine["wrap_up_ms"] += offer.wrap_up_ms if offer.ended_at else 0
    return with_days(account, sums)


def agent_figures(account: Account) -> Figures:
    sums: dict[tuple[str, dt.datetime], Counter[str]] = defaultdict(Counter)
    for offer in AgentOffer.objects.filter(account=account).iterator(chunk_size=AT_ONCE):
        mine = sums[offer.agent_name, quarter(offer.offered_at)]
        mine["offered"] += 1
        mine["answered"] += offer.outcome == "answered"
        mine["transferred"] += offer.outcome == "answered" and offer.transferred
        apart = offer.hangup_cause in WITHDRAWN
        mine["withdrawn"] += offer.outcome == "failed" and apart
        mine["missed"] += offer.outcome == "failed" and not apart
        if offer.outcome == "answered" and offer.answered_at and offer.ended_at:
            talked = ms_between(offer.answered_at, offer.ended_at)
            held, reached = min(offer.hold_ms, talked), 0
            before = 0
            for moment, ms in overlaps(offer.answered_at, offer.ended_at):
                reached += ms
                share = held * reached // talked - before if talked else 0
                before += share
                sums[offer.agent_name, moment]["talk_ms"] += ms - share
                sums[offer.agent_name, moment]["hold_ms"] += share
            rest = offer.ended_at + dt.timedelta(milliseconds=offer.wrap_up_ms)
            for moment, ms in overlaps(offer.ended_at, rest):
                sums[offer.agent_name, moment]["wrap_up_ms"] += ms
    statuses: dict[str, list[Any]] = defaultdict(list)
    for change in AgentChange.objects.filter(account=account, kind="status").order_by("at", "id"):
        statuses[change.agent_name].append(change)
    for name, changes in statuses.items():
        for one, following in pairwise(changes):
            for moment, ms in overlaps(one.at, following.at) if one.value != "Logged Out" else ():
                sums[name, moment]["login_ms"] += ms
                sums[name, moment]["break_ms"] += ms if one.value == "On Break" else 0
    return with_days(account, sums)


def with_days(account: Account, sums: dict[tuple[str, dt.datetime], Counter[str]]) -> Figures:
    """The quarter-hours, and the days of the account's zone made of them; nothing that is nothing."""
    days: dict[tuple[str, dt.datetime], Counter[str]] = defaultdict(Counter)
    for (name, moment), counts in sums.items():
        day = moment.astimezone(account.zone).date()
        start = dt.datetime.combine(day, dt.time(), account.zone).astimezone(dt.UTC)
        longest = max(days[name, start]["longest_wait_ms"], counts["longest_wait_ms"])
        days[name, start].update(counts)
        days[name, start]["longest_wait_ms"] = longest
    return {
        (span, name, moment): {key: number for key, number in counts.items() if number}
        for span, some in (("quarter", sums), ("day", days))
        for (name, moment), counts in some.items()
        if any(counts.values())
    }


def stored(model: type[QueueFigures] | type[AgentFigures], account: Account) -> Figures:
    name = "queue_name" if model is QueueFigures else "agent_name"
    columns = [field.attname for field in model._meta.concrete_fields]
    counted = [column for column in columns if column not in ("id", "account_id", "span", "begins_at", name)]
    rows: Any = model._default_manager.filter(account=account)
    return {
        (row["span"], row[name], row["begins_at"]): {key: row[key] for key in counted if row[key]}
        for row in rows.values()
        if any(row[key] for key in counted)
    }


def assert_equal(account: Account) -> None:
    """Every stored figure is the count of the rows, and there is no other."""
    assert stored(QueueFigures, account) == queue_figures(account)
    assert stored(AgentFigures, account) == agent_figures(account)
