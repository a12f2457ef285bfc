"""What a replayed switch knows of its live legs, and how it answers api commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from switch.esl.captures import MICROSECONDS, CapturedEvent

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
LEG_COMMANDS = frozenset({"uuid_setvar", "uuid_setvar_multi", "uuid_kill", "uuid_transfer", "uuid_broadcast"})


@dataclass(slots=True)
class LiveLeg:
    """A leg that was created and has not ended, and the files being recorded on it."""

    channel: dict[str, Any]
    recordings: set[str] = field(default_factory=set)


class LiveLegs:
    """The legs of the calls being played."""

    def __init__(self) -> None:
        self.legs: dict[str, LiveLeg] = {}

    def follow(self, event: CapturedEvent) -> None:
        """Take notice of an event that is being played."""
        if event.name not in LEG_EVENTS:
            return
        channel: dict[str, Any] = json.loads(event.body)
        uuid = str(channel.get("Unique-ID", ""))
        if event.name == "CHANNEL_HANGUP_COMPLETE":
            self.legs.pop(uuid, None)
        elif event.name == "CHANNEL_CREATE":
            self.legs[uuid] = LiveLeg(channel)
        elif uuid in self.legs:
            self._update(self.legs[uuid], event.name, channel)

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
        self._live = live
        self._answers: dict[str, Callable[[str], str]] = {
            "status": self._status,
            "version": lambda _: VERSION,
            "show": self._show,
            "uuid_record": self._record,
            "uuid_exists": lambda uuid: "true" if uuid in live.legs else "false",
            "uuid_dump": self._dump,
            "uuid_buglist": self._buglist,
            "callcenter_config": self._callcenter,
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
        if _apply_recording(leg.recordings, action, path):
            return "+OK Success\n"
        return f"-ERR Cannot {RECORD_ACTIONS[action]} session!\n"

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
        return "+OK\n" if arguments.split(" ")[0] in ("agent", "tier", "queue") else "-ERR Invalid!\n"


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
