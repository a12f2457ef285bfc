"""From a switch's board to rows: what changed is written in one short transaction, and its accounts told."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import F

from accounts.audit import clean
from accounts.models import Switch
from database.bulk import Row, Table, as_json
from database.moments import instant, moment
from queues.changes import accounts_of
from queues.live_rows import AgentNow, LiveMark, LiveSwitch, WaitingCaller
from queues.models import Queue
from switch.queue_board import AgentState, Caller

CALLERS = Table(
    WaitingCaller,
    ["id", "account_id", "switch_id", "queue_name", "member_uuid", "session_uuid", "caller_number",
     "caller_name", "joined_at", "ringing"],
)  # fmt: skip
AGENTS = Table(
    AgentNow,
    ["id", "account_id", "switch_id", "agent_name", "status", "status_since", "state", "state_since",
     "wrap_up_until", "queues", "caller_number", "caller_name"],
)  # fmt: skip
ACCOUNT = 1


@dataclass(frozen=True, slots=True)
class Scene:
    """What a board shows at one moment."""

    callers: Sequence[Caller]
    agents: Sequence[AgentState]
    connected: bool = True
    listed_at: dt.datetime | None = None


@dataclass
class LiveRows:
    """A switch's live rows, with a memory of what they hold so that only news is written."""

    switch: Switch
    _written: dict[uuid.UUID, Row] = field(default_factory=dict)
    _connected: bool | None = None

    def write(self, scene: Scene, now: dt.datetime) -> bool:
        """Make the rows what the scene shows; whether anything was news. A failed write is repeated whole."""
        callers, agents = self._caller_rows(scene.callers), self._agent_rows(scene.agents)
        wanted = callers | agents
        news = {id_: row for id_, row in wanted.items() if self._written.get(id_) != row}
        gone = self._written.keys() - wanted.keys()
        with transaction.atomic():
            if self._connected is None:
                self._remove_unknown(wanted)
            CALLERS.upsert([row for id_, row in news.items() if id_ in callers])
            AGENTS.upsert([row for id_, row in news.items() if id_ in agents])
            for model in (WaitingCaller, AgentNow) if gone else ():
                model.objects.filter(pk__in=gone).delete()
            self._note_switch(scene, now)
            told = [*news.values(), *(self._written[id_] for id_ in gone)]
            if scene.connected != self._connected:
                told += wanted.values()
            rise({row[ACCOUNT] for row in told if row[ACCOUNT]})
        self._written, self._connected = wanted, scene.connected
        return bool(told)

    def remembered(self) -> tuple[list[Caller], list[AgentState]]:
        """What the rows held when the last listener ended."""
        callers = [
            Caller(row.queue_name, row.member_uuid, row.session_uuid, row.caller_number, row.caller_name,
                   micro(row.joined_at))
            for row in WaitingCaller.objects.filter(switch=self.switch)
        ]  # fmt: skip
        agents = [
            AgentState(row.agent_name, row.status, micro(row.status_since), row.state, micro(row.state_since),
                       queues=tuple(row.queues))
            for row in AgentNow.objects.filter(switch=self.switch)
        ]  # fmt: skip
        return callers, agents

    def _caller_rows(self, callers: Sequence[Caller]) -> dict[uuid.UUID, Row]:
        accounts = accounts_of(self.switch, {caller.queue for caller in callers}, Queue)
        return {row[0]: row for row in (self._caller_row(caller, accounts) for caller in callers)}

    def _caller_row(self, caller: Caller, accounts: Mapping[str, uuid.UUID | None]) -> Row:
        return (
            uuid.uuid5(self.switch.pk, f"waiting:{caller.member}:{caller.session}"),
            accounts.get(caller.queue),
            self.switch.pk,
            clean(caller.queue)[:255],
            clean(caller.member)[:255],
            clean(caller.session)[:255],
            clean(caller.number)[:255],
            clean(caller.name)[:255],
            instant(caller.joined),
            as_list(caller.ringing),
        )

    def _agent_rows(self, agents: Sequence[AgentState]) -> dict[uuid.UUID, Row]:
        accounts = accounts_of(self.switch, {agent.name for agent in agents})
        return {row[0]: row for row in (self._agent_row(agent, accounts) for agent in agents)}

    def _agent_row(self, agent: AgentState, accounts: Mapping[str, uuid.UUID | None]) -> Row:
        return (
            uuid.uuid5(self.switch.pk, f"agent-now:{agent.name}"),
            accounts.get(agent.name),
            self.switch.pk,
            clean(agent.name)[:255],
            clean(agent.status)[:64],
            moment(agent.status_since),
            clean(agent.state)[:64],
            moment(agent.state_since),
            moment(agent.wrap_up_until),
            as_list(agent.queues),
            clean(agent.number)[:255],
            clean(agent.caller)[:255],
        )

    def _remove_unknown(self, wanted: Mapping[uuid.UUID, Row]) -> None:
        for model in (WaitingCaller, AgentNow):
            model.objects.filter(switch=self.switch).exclude(pk__in=wanted).delete()

    def _note_switch(self, scene: Scene, now: dt.datetime) -> None:
        known = {"connected": scene.connected, "seen_at": now, "listed_at": scene.listed_at}
        LiveSwitch.objects.update_or_create(switch=self.switch, defaults=known)


def rise(accounts: Iterable[uuid.UUID]) -> None:
    """Have all who watch these accounts look again; in one order, so that no two writers wait crosswise."""
    for account in sorted(accounts):
        if not LiveMark.objects.filter(account=account).update(version=F("version") + 1):
            LiveMark.objects.get_or_create(account_id=account, defaults={"version": 1})


def micro(at: dt.datetime | None) -> int:
    return int(at.timestamp() * 1_000_000) if at else 0


def as_list(names: Sequence[str]) -> str:
    """A JSON list, as the columns take it."""
    return as_json([clean(name) for name in names])
