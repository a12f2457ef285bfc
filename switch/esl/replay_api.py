"""What a replayed switch knows of its live legs, and how it answers api commands."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from switch.esl.captures import MICROSECONDS, CapturedEvent
from switch.esl.replay_queues import SUBCLASS, ReplayQueues

VERSION = "FreeSWITCH Version 1.11.2-release~64bit (-release 64bit)\n"
LEG_EVENTS = frozenset(
    {
        "CHANNEL_CREATE",
        "CHANNEL_ANSWER",
        "CHANNEL_BRIDGE",
        "CHANNEL_UNBRIDGE",
        "CHANNEL_HANGUP_COMPLETE",
        "RECORD_START",
        "RECORD_STOP",
    }
)
RECORDABLE = (".wav", ".mp3", ".flac", ".ogg", ".opus")
RECORD_ACTIONS = {
    "start": "record",
    "stop": "stop record",
    "mask": "mask recording",
    "unmask": "unmask recording",
}
RECORD_USAGE = "-USAGE: <uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]\n"
LEG_COMMANDS = frozenset({"uuid_kill", "uuid_transfer", "uuid_broadcast"})
ARMED_RECORDING = re.compile(r"record_session (?P<path>\S+?)(?: \+?\d+)?(?: \{(?P<tags>[^}]*)\})?")
ANSWER_TO_START = 20_000
NOT_IN_A_CONSEQUENCE = ("Event-", "Core-UUID", "FreeSWITCH-", "Bridge-", "Hangup-", "Recording-Variable-")


@dataclass(slots=True)
class LiveLeg:
    """A leg that was created and has not ended, and the files being recorded on it."""

    channel: dict[str, Any]
    answered: bool = False
    recordings: set[str] = field(default_factory=set)
    variables: dict[str, str] = field(default_factory=dict)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    began: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """An event that a command brought about; ``at`` is in microseconds of the tape's time."""

    name: str
    at: int
    fields: dict[str, Any]


class LiveLegs:
    """The legs of the calls being played, and what commands bring about on them.

    ``consequences`` are events to be told next; ``pre_answered`` are legs on which somebody began to record
    before the answer, which a real switch then answers with early media.
    """

    def __init__(self) -> None:
        self.legs: dict[str, LiveLeg] = {}
        self.consequences: list[OwnEvent] = []
        self.pre_answered: list[str] = []
        self._tape_at = 0
        self._followed_at = 0.0

    @property
    def now(self) -> int:
        """The tape's time, in microseconds; ours as long as nothing was played."""
        if not self._tape_at:
            return int(time.time() * MICROSECONDS)
        return self._tape_at + int((time.monotonic() - self._followed_at) * MICROSECONDS)

    def follow(self, event: CapturedEvent) -> None:
        """Take notice of an event that is being played."""
        if event.name not in LEG_EVENTS:
            return
        self._tape_at, self._followed_at = max(event.at, self._tape_at), time.monotonic()
        channel: dict[str, Any] = json.loads(event.body)
        uuid = str(channel.get("Unique-ID", ""))
        if event.name == "CHANNEL_HANGUP_COMPLETE":
            self._end(uuid, event.at)
        elif event.name == "CHANNEL_CREATE":
            self.legs[uuid] = LiveLeg(channel)
        elif uuid in self.legs:
            self._update(self.legs[uuid], event.name, channel)
        if event.name == "CHANNEL_ANSWER" and uuid in self.legs:
            self._answer(self.legs[uuid], event.at)

    def taken(self) -> list[OwnEvent]:
        """Return the consequences since the last time."""
        found, self.consequences = self.consequences, []
        return found

    def begin(self, leg: LiveLeg, path: str, tags: dict[str, str], at: int) -> None:
        """Record a leg into a file; one that is being recorded goes on as it was."""
        if path in leg.recordings:
            return
        leg.recordings.add(path)
        leg.asked[path], leg.began[path] = tags, at
        self.consequences.append(OwnEvent("RECORD_START", at, record_fields(leg, path)))

    def finish(self, leg: LiveLeg, path: str, at: int) -> None:
        """End a recording; one that the tape has itself is the tape's to end."""
        leg.recordings.discard(path)
        if path in leg.asked:
            milliseconds = max(0, at - leg.began[path]) // 1000
            fields = record_fields(leg, path) | {"variable_record_ms": str(milliseconds)}
            del leg.asked[path]
            self.consequences.append(OwnEvent("RECORD_STOP", at, fields))

    def _answer(self, leg: LiveLeg, at: int) -> None:
        leg.answered = True
        for name, value in leg.variables.items():
            armed = ARMED_RECORDING.fullmatch(value) if name.startswith("execute_on_answer") else None
            if armed is not None:
                self.begin(leg, armed["path"], tags_in(armed["tags"] or ""), at + ANSWER_TO_START)

    def _end(self, uuid: str, at: int) -> None:
        leg = self.legs.pop(uuid, None)
        for path in sorted(leg.asked) if leg else ():
            self.finish(leg, path, at)  # type: ignore[arg-type]

    @staticmethod
    def _update(leg: LiveLeg, name: str, channel: dict[str, Any]) -> None:
        leg.channel |= channel
        path = str(channel.get("Record-File-Path", ""))
        if name == "RECORD_START":
            leg.recordings.add(path)
        elif name == "RECORD_STOP":
            leg.recordings.discard(path)


class ApiAnswers:
    """Answers api commands as the real switch words them."""

    def __init__(self, live: LiveLegs) -> None:
        self.queues = ReplayQueues()
        self._live = live
        self._answers: dict[str, Callable[[str], str]] = {
            "status": self._status,
            "version": lambda _: VERSION,
            "show": self._show,
            "uuid_record": self._record,
            "uuid_setvar": self._set,
            "uuid_setvar_multi": self._set_many,
            "uuid_exists": lambda uuid: "true" if uuid in live.legs else "false",
            "uuid_dump": self._dump,
            "uuid_buglist": self._buglist,
            "callcenter_config": self._callcenter,
            "json": self.queues.answer_json,
            "reloadxml": lambda _: "+OK [Success]\n",
            "echo": lambda text: text,
        }

    def answer(self, command: str) -> str:
        """Return what a command prints."""
        name, _, arguments = command.strip().partition(" ")
        if name in LEG_COMMANDS:
            return "+OK\n" if arguments.split(" ")[0] in self._live.legs else "-ERR No such channel!\n"
        answer = self._answers.get(name)
        return answer(arguments.strip()) if answer else f"-ERR {name} Command not found!\n"

    def _status(self, _: str) -> str:
        return (
            "UP 0 years, 0 days, 0 hours, 10 minutes, 20 seconds, 278 milliseconds, 332 microseconds\n"
            "FreeSWITCH (Version 1.11.2-release 64bit) is ready\n"
            f"{len(self._live.legs)} session(s) since startup\n"
        )

    def _show(self, what: str) -> str:
        if not what.startswith("channels"):
            return "-ERR\n"
        rows = [channel_row(leg.channel) for leg in self._live.legs.values()]
        if "as json" in what:
            return json.dumps(
                {"row_count": len(rows), "rows": rows} if rows else {"row_count": 0}, separators=(",", ":")
            )
        return "".join(",".join(row.values()) + "\n" for row in rows) + f"\n{len(rows)} total.\n"

    def _record(self, arguments: str) -> str:
        uuid, action, path = [*arguments.split(" ", 3), "", "", ""][:3]
        if action not in RECORD_ACTIONS or not path:
            return RECORD_USAGE
        leg = self._live.legs.get(uuid)
        if leg is None:
            return "-ERR Cannot locate session!\n"
        if action == "start" and not leg.answered:
            self._live.pre_answered.append(uuid)
        before = set(leg.recordings)
        if _apply_recording(leg.recordings, action, path):
            self._follow_up(leg, before, arguments)
            return "+OK Success\n"
        return f"-ERR Cannot {RECORD_ACTIONS[action]} session!\n"

    def _follow_up(self, leg: LiveLeg, before: set[str], arguments: str) -> None:
        """Have the events told that begin and end files."""
        braces = arguments.partition("{")[2].partition("}")[0]
        now = self._live.now
        for path in leg.recordings - before:
            leg.recordings.discard(path)
            self._live.begin(leg, path, tags_in(braces), now)
        for path in before - leg.recordings:
            self._live.finish(leg, path, now)

    def _set(self, arguments: str) -> str:
        uuid, name, value = [*arguments.split(" ", 2), "", ""][:3]
        return self._set_variables(uuid, {name: value})

    def _set_many(self, arguments: str) -> str:
        uuid, _, pairs = arguments.partition(" ")
        return self._set_variables(uuid, dict(pair.partition("=")[::2] for pair in pairs.split(";")))

    def _set_variables(self, uuid: str, variables: dict[str, str]) -> str:
        leg = self._live.legs.get(uuid)
        if leg is None:
            return "-ERR No such channel!\n"
        leg.variables |= variables
        leg.channel |= {f"variable_{name}": value for name, value in variables.items()}
        return "+OK\n"

    def _dump(self, arguments: str) -> str:
        leg = self._live.legs.get(arguments.split(" ")[0])
        if leg is None:
            return "-ERR No such channel!\n"
        return json.dumps(
            {**leg.channel, "Event-Name": "CHANNEL_DATA"}, ensure_ascii=False, separators=(",", ":")
        )

    def _buglist(self, uuid: str) -> str:
        leg = self._live.legs.get(uuid)
        if leg is None:
            return "-ERR No such channel!\n"
        bugs = "".join(
            f" <media-bug>\n  <function>session_record</function>\n  <target>{escape(path)}</target>\n"
            "  <thread-locked>0</thread-locked>\n </media-bug>\n"
            for path in sorted(leg.recordings)
        )
        return f"<media-bugs>\n{bugs}</media-bugs>\n"

    def _callcenter(self, arguments: str) -> str:
        words = shlex.split(arguments) if arguments.count("'") % 2 == 0 else []
        if words[:3] == ["agent", "set", "status"] and len(words) == len(
            ["agent", "set", "status", "name", "value"]
        ):
            return self._set_status(words[3], words[4])
        if "list" in words[1:2]:
            return self.queues.answer_text(" ".join(words))
        return "+OK\n" if words[:1] and words[0] in ("agent", "tier", "queue") else "-ERR Invalid!\n"

    def _set_status(self, agent: str, status: str) -> str:
        """Set it, and have the event told that follows."""
        at = self._live.now
        reply = self.queues.set_status(agent, status, at // MICROSECONDS)
        if reply.startswith("+OK"):
            self._live.consequences.append(OwnEvent("CUSTOM", at, status_fields(agent, status)))
        return reply


def _apply_recording(recordings: set[str], action: str, path: str) -> bool:
    """Start, stop or mask a file as the switch would; False when it cannot."""
    if action == "start":
        if not path.lower().endswith(RECORDABLE) or path != path.removesuffix(".WAV"):
            return False
        recordings.add(path)
        return True
    if action == "stop" and path == "all":
        had_any = bool(recordings)
        recordings.clear()
        return had_any
    if path not in recordings:
        return False
    if action == "stop":
        recordings.discard(path)
    return True


def status_fields(agent: str, status: str) -> dict[str, str]:
    """Return what is told of an agent's new status."""
    return {
        "Event-Subclass": SUBCLASS,
        "CC-Action": "agent-status-change",
        "CC-Agent": agent,
        "CC-Agent-Status": status,
    }


def tags_in(braces: str) -> dict[str, str]:
    """Read recording variables as they stand between braces."""
    return dict(pair.partition("=")[::2] for pair in braces.split(",") if "=" in pair)


def record_fields(leg: LiveLeg, path: str) -> dict[str, Any]:
    """Return what an event about a leg's recording says besides the usual."""
    own = {key: value for key, value in leg.channel.items() if not key.startswith(NOT_IN_A_CONSEQUENCE)}
    tags = {f"Recording-Variable-{name}": value for name, value in leg.asked.get(path, {}).items()}
    return own | {"Record-File-Path": path} | tags


def channel_row(channel: dict[str, Any]) -> dict[str, str]:
    """Return a leg as `show channels` lists it."""
    created = str(channel.get("Caller-Channel-Created-Time", "0"))
    get: Callable[[str], str] = lambda key: str(channel.get(key, ""))  # noqa: E731
    return {
        "uuid": get("Unique-ID"),
        "direction": get("Call-Direction"),
        "created": get("Event-Date-Local"),
        "created_epoch": created[:-6] or "0",
        "name": get("Channel-Name"),
        "state": get("Channel-State"),
        "cid_name": get("Caller-Caller-ID-Name"),
        "cid_num": get("Caller-Caller-ID-Number"),
        "ip_addr": get("Caller-Network-Addr"),
        "dest": get("Caller-Destination-Number"),
        "dialplan": get("Caller-Dialplan"),
        "context": get("Caller-Context"),
        "presence_id": get("Channel-Presence-ID"),
        "callstate": get("Channel-Call-State"),
        "callee_name": get("Caller-Callee-ID-Name"),
        "callee_num": get("Caller-Callee-ID-Number"),
        "call_uuid": get("Channel-Call-UUID"),
        "initial_dest": get("Caller-Destination-Number"),
        "initial_context": get("Caller-Context"),
    }


def own_event(name: str, core: str, sequence: int, at: datetime, fields: dict[str, str]) -> bytes:
    """Return the body of an event that the switch tells of itself."""
    head = {
        "Event-Name": name,
        "Core-UUID": core,
        "FreeSWITCH-Hostname": "pbx1",
        "FreeSWITCH-Switchname": "pbx1",
        "Event-Date-Local": f"{at:%Y-%m-%d %H:%M:%S}",
        "Event-Date-GMT": f"{at:%a, %d %b %Y %H:%M:%S GMT}",
        "Event-Date-Timestamp": str(int(at.timestamp() * MICROSECONDS)),
        "Event-Sequence": str(sequence),
    }
    return json.dumps(head | fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def heartbeat_fields(sessions: int, up_seconds: float) -> dict[str, str]:
    """Return what a heartbeat says besides the usual."""
    return {
        "Event-Info": "System Ready",
        "FreeSWITCH-Version": "1.11.2-release~64bit",
        "Uptime-msec": str(int(up_seconds * 1000)),
        "Session-Count": str(sessions),
        "Max-Sessions": "8000",
        "Idle-CPU": "97.000000",
    }
