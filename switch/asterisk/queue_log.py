"""queue_log: ``epoch|unique id|queue|agent|verb|…``, a line each; epochs are whole seconds, absolute."""

from __future__ import annotations

from typing import Final, Literal

from switch import events as ev
from switch.asterisk.identity import fingerprint
from switch.asterisk.ids import is_unique_id
from switch.cdrs.report import clean, whole
from switch.errors import MalformedEvent

COLUMNS = 5
NOBODY = "NONE"
STATUS_OF_VERB: Final = {
    "ADDMEMBER": "Available",
    "AGENTLOGIN": "Available",
    "AGENTCALLBACKLOGIN": "Available",
    "UNPAUSE": "Available",
    "UNPAUSEALL": "Available",
    "PAUSE": "On Break",
    "PAUSEALL": "On Break",
    "REMOVEMEMBER": "Logged Out",
    "AGENTLOGOFF": "Logged Out",
    "AGENTCALLBACKLOGOFF": "Logged Out",
}
OF_THE_SWITCH = frozenset({"QUEUESTART", "CONFIGRELOAD"})

Logged = ev.QueueLogged | ev.AgentChanged | ev.Unknown


def read_queue_log_line(line: bytes) -> Logged | MalformedEvent:
    """What the line tells of a caller or of an agent; Unknown for lines about the switch itself."""
    text = clean(line.decode("utf-8", "replace").rstrip("\r\n"))
    epoch, *rest = text.split("|")
    if len(rest) < COLUMNS - 1 or not whole(epoch):
        return MalformedEvent("a queue_log line without its five columns")
    unique_id, queue, agent, verb, *fields = rest
    at, sequence = whole(epoch) * ev.MICROSECONDS, fingerprint(text)
    if verb in STATUS_OF_VERB:
        return _agent_changed(at, sequence, agent, STATUS_OF_VERB[verb])
    if verb in OF_THE_SWITCH or not is_unique_id(unique_id):
        return ev.Unknown(core="asterisk:queue_log", sequence=sequence, at=at, name=f"queue_log {verb}"[:64])
    return ev.QueueLogged(
        core=f"asterisk:queue_log:{unique_id}",
        sequence=sequence,
        at=at,
        unique_id=unique_id,
        queue=queue,
        agent="" if agent == NOBODY else agent,
        verb=verb,
        fields=tuple(fields),
    )


def _agent_changed(at: int, sequence: int, agent: str, value: str) -> ev.AgentChanged:
    kind: Literal["status"] = "status"
    return ev.AgentChanged(
        core="asterisk:queue_log", sequence=sequence, at=at, agent=agent, kind=kind, value=value
    )
