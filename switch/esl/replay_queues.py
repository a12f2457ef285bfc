"""What a replayed switch's mod_callcenter knows, and the lists it gives of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from switch.esl.captures import MICROSECONDS, CapturedEvent

SUBCLASS: Final = "callcenter::info"
Fields = dict[str, Any]
AGENT: Final = {
    "instance_id": "single_box",
    "uuid": "",
    "type": "callback",
    "contact": "",
    "status": "Logged Out",
    "state": "Waiting",
    "max_no_answer": "3",
    "wrap_up_time": "10",
    "reject_delay_time": "3",
    "busy_delay_time": "3",
    "no_answer_delay_time": "3",
    "last_bridge_start": "0",
    "last_bridge_end": "0",
    "last_offered_call": "0",
    "last_status_change": "0",
    "no_answer_count": "0",
    "calls_answered": "0",
    "talk_time": "0",
    "ready_time": "0",
    "external_calls_count": "0",
}
STATUSES: Final = ("Available", "Available (On Demand)", "On Break", "Logged Out")
IN_CALL: Final = "In a queue call"


class ReplayQueues:
    """Queues, agents and tiers of the calls being played; what nobody named is entered when heard of."""

    def __init__(self) -> None:
        self.queues: dict[str, Fields] = {}
        self.members: dict[str, Fields] = {}
        self.agents: dict[str, Fields] = {}
        self.tiers: dict[tuple[str, str], Fields] = {}

    def enter(self, queue: str, agents: Iterable[str] = ()) -> None:
        """Have a queue, and agents who serve it."""
        if queue:
            self.queues.setdefault(queue, {"name": queue, "strategy": "round-robin"})
        for position, agent in enumerate(agents, 1):
            self.agent(agent)
            tier = {"queue": queue, "agent": agent, "state": "Ready", "level": "1", "position": str(position)}
            self.tiers.setdefault((queue, agent), tier)

    def agent(self, name: str) -> Fields:
        return self.agents.setdefault(name, {"name": name, **AGENT})

    def follow(self, event: CapturedEvent) -> None:
        """Take notice of an event that is being played."""
        if event.subclass != SUBCLASS:
            return
        fields: Fields = json.loads(event.body)
        act = _ACTS.get(fields.get("CC-Action", ""))
        self.enter(fields.get("CC-Queue", ""))
        if act is not None:
            act(self, fields, event.at // MICROSECONDS)

    def set_status(self, name: str, status: str, epoch: int) -> str:
        """Set an agent's status as a command does."""
        if name not in self.agents:
            return "-ERR Agent not found!\n"
        if status not in STATUSES:
            return "-ERR Invalid Agent Status!\n"
        self.agents[name] |= {"status": status, "last_status_change": str(epoch)}
        return "+OK\n"

    def rows(self, what: str, queue: str = "") -> list[Fields] | None:
        """Return a list as the switch has it, None for one it does not give."""
        listed: dict[str, Callable[[], list[Fields]]] = {
            "queue list": lambda: list(self.queues.values()),
            "agent list": lambda: list(self.agents.values()),
            "tier list": lambda: list(self.tiers.values()),
            "queue list members": lambda: [row for row in self.members.values() if row["queue"] == queue],
            "queue list tiers": lambda: [row for row in self.tiers.values() if row["queue"] == queue],
            "queue list agents": lambda: [
                self.agents[agent] for named, agent in self.tiers if named == queue
            ],
        }
        return listed[what]() if what in listed else None

    def answer_json(self, text: str) -> str:
        """Answer `json {…}` as the switch does."""
        try:
            asked: Fields = json.loads(text)
        except ValueError:
            return "-ERR Parse error.\n"
        data = asked.get("data") or {}
        rows = None
        if asked.get("command") == "callcenter_config":
            rows = self.rows(str(data.get("arguments", "")), str(data.get("queue_name", "")))
        if rows is None:
            told = {"status": "error", "message": "The command returned an error", "response": None}
            return json.dumps({**asked, **told})
        return json.dumps({**asked, "status": "success", "response": rows}, ensure_ascii=False)

    def answer_text(self, arguments: str) -> str:
        """Answer `callcenter_config … list …` with bars between the columns."""
        words = arguments.split(" ")
        length = 3 if words[:2] == ["queue", "list"] and len(words) > 2 else 2
        rows = self.rows(" ".join(words[:length]), " ".join(words[length:]))
        if rows is None:
            return "-ERR Invalid!\n"
        lines = ["|".join(rows[0])] if rows else []
        return "\n".join([*lines, *("|".join(map(str, row.values())) for row in rows), "+OK\n"])

    def _joined(self, fields: Fields, epoch: int) -> None:
        uuid, session = str(fields["CC-Member-UUID"]), str(fields["CC-Member-Session-UUID"])
        before = self.members.get(uuid, {})
        self.members[uuid] = {
            "queue": str(fields["CC-Queue"]),
            "instance_id": "single_box",
            "uuid": uuid,
            "session_uuid": session,
            "cid_number": str(fields.get("CC-Member-CID-Number", "")),
            "cid_name": str(fields.get("CC-Member-CID-Name", "")),
            "system_epoch": str(epoch),
            "joined_epoch": before.get("joined_epoch", str(epoch)),
            "rejoined_epoch": str(epoch) if before else "0",
            "bridge_epoch": "0",
            "abandoned_epoch": "0",
            "base_score": "0",
            "skill_score": "0",
            "serving_agent": "",
            "serving_system": "",
            "state": "Waiting",
            "score": "0",
        }

    def _left(self, fields: Fields, epoch: int) -> None:
        uuid = str(fields["CC-Member-UUID"])
        row = self.members.get(uuid)
        if row is None or row["session_uuid"] != str(fields["CC-Member-Session-UUID"]):
            return
        if fields.get("CC-Cause") == "Cancel":
            row |= {"session_uuid": "", "state": "Abandoned", "abandoned_epoch": str(epoch)}
        else:
            del self.members[uuid]

    def _offered(self, fields: Fields, epoch: int) -> None:
        self._serve(fields, state="Trying", serving_agent=str(fields["CC-Agent"]))
        self.agent(str(fields["CC-Agent"]))["last_offered_call"] = str(epoch)

    def _offer_failed(self, fields: Fields, _: int) -> None:
        self._serve(fields, state="Waiting", serving_agent="")

    def _connected(self, fields: Fields, epoch: int) -> None:
        agent = str(fields["CC-Agent"])
        self._serve(fields, state="Answered", serving_agent=agent, bridge_epoch=str(epoch))
        self.agent(agent)["last_bridge_start"] = str(epoch)

    def _released(self, fields: Fields, epoch: int) -> None:
        self.agent(str(fields["CC-Agent"]))["last_bridge_end"] = str(epoch)

    def _serve(self, fields: Fields, **now: str) -> None:
        row = self.members.get(str(fields["CC-Member-UUID"]))
        if row is not None and row["state"] not in ("Abandoned", "Answered"):
            row |= now

    def _status(self, fields: Fields, epoch: int) -> None:
        self.agent(str(fields["CC-Agent"])).update(
            status=str(fields["CC-Agent-Status"]), last_status_change=str(epoch)
        )

    def _state(self, fields: Fields, _: int) -> None:
        self.agent(str(fields["CC-Agent"]))["state"] = str(fields["CC-Agent-State"])


_ACTS: Final[dict[str, Callable[[ReplayQueues, Fields, int], None]]] = {
    "member-queue-start": ReplayQueues._joined,
    "member-queue-resume": ReplayQueues._joined,
    "member-queue-end": ReplayQueues._left,
    "agent-offering": ReplayQueues._offered,
    "bridge-agent-fail": ReplayQueues._offer_failed,
    "bridge-agent-start": ReplayQueues._connected,
    "bridge-agent-end": ReplayQueues._released,
    "agent-status-change": ReplayQueues._status,
    "agent-state-change": ReplayQueues._state,
}
