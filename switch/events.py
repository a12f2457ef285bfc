"""What happened on a switch, as frozen values that no longer say which switch it was.

Times are integer microseconds since the Unix epoch, UTC; 0 means "not yet". Texts come from phone lines:
untrusted. An event's identity is the switch core's run (``core``) and its ``sequence`` in it; they arrive
out of order and have holes, so neither says anything about loss.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

MICROSECONDS = 1_000_000

Direction = Literal["inbound", "outbound"]


class Event(Struct, frozen=True, array_like=True, tag=True, kw_only=True, omit_defaults=True, gc=False):
    """One thing that happened at one moment on one switch."""

    core: str
    sequence: int
    at: int

    @property
    def identity(self) -> tuple[str, int]:
        return (self.core, self.sequence)


class Channel(Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """A leg as its switch described it at one moment; ``variables`` are those we keep, by name."""

    uuid: str
    direction: str = ""
    name: str = ""
    profile: str = ""
    context: str = ""
    source: str = ""
    caller_number: str = ""
    caller_name: str = ""
    callee_number: str = ""
    callee_name: str = ""
    destination: str = ""
    created: int = 0
    progress: int = 0
    progress_media: int = 0
    answered: int = 0
    bridged: int = 0
    hung_up: int = 0
    call_uuid: str = ""
    other_leg: str = ""
    read_codec: str = ""
    write_codec: str = ""
    network_address: str = ""
    variables: dict[str, str] = {}


class LegEvent(Event, frozen=True, kw_only=True):
    """Something that happened to a leg."""

    channel: Channel


class LegCreated(LegEvent, frozen=True, kw_only=True):
    """The leg exists; where it is going is ``channel.destination``."""


class LegAnswered(LegEvent, frozen=True, kw_only=True):
    """The far end of the leg answered."""


class LegBridged(LegEvent, frozen=True, kw_only=True):
    """Two legs hear each other."""

    a_leg: str
    b_leg: str


class LegUnbridged(LegEvent, frozen=True, kw_only=True):
    """Two legs no longer hear each other."""

    a_leg: str
    b_leg: str


class LegHeld(LegEvent, frozen=True, kw_only=True):
    """The far end of the leg put the call on hold."""


class LegResumed(LegEvent, frozen=True, kw_only=True):
    """The far end of the leg took the call back from hold."""


class LegEnded(LegEvent, frozen=True, kw_only=True):
    """The leg's final report. ``billsec`` and ``duration`` are the switch's own whole seconds."""

    cause: str
    billsec: int | None = None
    duration: int | None = None
    quality: dict[str, float] = {}


class LegLost(LegEvent, frozen=True, kw_only=True):
    """Ours: the switch no longer knows the leg and nobody told its end, which was before this moment."""


class LegSummarised(LegEvent, frozen=True, kw_only=True):
    """A leg in one line of a CDR file: whole seconds, for legs of which nothing better is known."""

    cause: str
    billsec: int
    duration: int


class LegsLinked(Event, frozen=True, kw_only=True):
    """A CDR says that these legs met."""

    legs: tuple[str, ...]


class RecordingStarted(LegEvent, frozen=True, kw_only=True):
    """A file began to be written; ``tags`` came with the request (ours carries ``rid``)."""

    path: str
    tags: dict[str, str] = {}


class RecordingStopped(LegEvent, frozen=True, kw_only=True):
    """The file is closed. It can be another leg's than the one that started it."""

    path: str
    milliseconds: int | None = None
    size: int | None = None
    cause: str = ""
    discarded: bool = False
    tags: dict[str, str] = {}


class RecordingMoved(LegEvent, frozen=True, kw_only=True):
    """A recording that follows a transfer arrived at this leg, or left it."""

    path: str
    arrived: bool


class RecordingAsked(LegEvent, frozen=True, kw_only=True):
    """The dialplan or a key press asked us to start, stop, mask or unmask a recording."""

    action: str
    parameters: dict[str, str] = {}


class ConferenceEvent(Event, frozen=True, kw_only=True):
    """Something that happened in a conference room."""

    conference: str
    name: str
    domain: str = ""


class ConferenceJoined(ConferenceEvent, frozen=True, kw_only=True):
    """A leg entered the room."""

    leg: str


class ConferenceRecordingStarted(ConferenceEvent, frozen=True, kw_only=True):
    """The room's mix began to be written to a file; no leg is named."""

    path: str


class ConferenceRecordingStopped(ConferenceEvent, frozen=True, kw_only=True):
    """The room's file is closed."""

    path: str
    milliseconds: int | None = None
    size: int | None = None


class MemberEvent(Event, frozen=True, kw_only=True):
    """A caller's passage through a queue: ``member`` is the passage, ``session`` the caller's leg.

    Whole-second epochs are the switch's own stamps and 0 where it gave none.
    """

    queue: str
    member: str
    session: str
    caller_number: str = ""
    caller_name: str = ""
    joined_epoch: int = 0


class QueueJoined(MemberEvent, frozen=True, kw_only=True):
    """The caller began to wait; ``resumed`` when a caller who had given up came back to the old place."""

    resumed: bool = False


class QueueLeft(MemberEvent, frozen=True, kw_only=True):
    """The passage is over: ``Terminated`` after an agent, ``Cancel`` without one."""

    cause: str
    cancel_reason: str = ""
    left_epoch: int = 0
    agent: str = ""
    agent_leg: str = ""
    called_epoch: int = 0
    answered_epoch: int = 0
    cc_hangup_cause: str = ""


class PassageReported(MemberEvent, frozen=True, kw_only=True):
    """A passage as the caller's CDR has it: ``joined`` in microseconds, the rest in whole seconds."""

    joined: int
    left_epoch: int
    cause: str
    cancel_reason: str
    agent: str = ""
    agent_leg: str = ""
    answered_epoch: int = 0


class OfferEvent(MemberEvent, frozen=True, kw_only=True):
    """One agent is asked to take one caller."""

    agent: str


class AgentOffered(OfferEvent, frozen=True, kw_only=True):
    """The agent begins to ring."""


class OfferFailed(OfferEvent, frozen=True, kw_only=True):
    """The agent did not take the caller."""

    cause: str
    called_epoch: int = 0
    aborted_epoch: int = 0


class AgentConnected(OfferEvent, frozen=True, kw_only=True):
    """Agent and caller are put together."""

    agent_leg: str
    called_epoch: int = 0
    answered_epoch: int = 0


class AgentReleased(OfferEvent, frozen=True, kw_only=True):
    """Agent and caller are apart again."""

    agent_leg: str
    called_epoch: int = 0
    answered_epoch: int = 0
    terminated_epoch: int = 0
    cause: str = ""


class OfferReported(OfferEvent, frozen=True, kw_only=True):
    """An offer as the agent's leg's CDR has it; its own moment is the leg's creation."""

    agent_leg: str
    answered: int
    ended: int
    cause: str


class AgentChanged(Event, frozen=True, kw_only=True):
    """An agent's status (what they chose) or state (what the queue sees) is now ``value``."""

    agent: str
    kind: Literal["status", "state", "contact"]
    value: str


class AgentMissedTooMany(Event, frozen=True, kw_only=True):
    """The agent let too many offers pass and was put on a break."""

    agent: str
    count: int
    value: str


class QueueCounted(Event, frozen=True, kw_only=True):
    """How many wait in a queue, as the switch counts; not reliable right after an answer."""

    queue: str
    count: int


class Heartbeat(Event, frozen=True, kw_only=True):
    """The switch lives; ``sessions`` legs are up."""

    sessions: int
    uptime_ms: int


class SwitchStopping(Event, frozen=True, kw_only=True):
    """The switch is about to stop; its legs end right behind this."""


class CommandAnswered(Event, frozen=True, kw_only=True):
    """The late reply to a command that was sent to the background."""

    job: str
    command: str
    reply: str


class ConnectionLost(Event, frozen=True, kw_only=True):
    """Ours, not the switch's: from here on nothing was heard, and nothing of it is told again."""

    reason: str


class ConnectionRestored(Event, frozen=True, kw_only=True):
    """Ours: we hear the switch again; ``lost_at`` is 0 when this listener never heard it before."""

    lost_at: int


class CallDecided(Event, frozen=True, kw_only=True):
    """Ours: what of a call is recorded and what is not, with the facts; a later one of the leg replaces it.

    ``leg`` is the call's first A leg.
    """

    leg: str
    facts: dict[str, Any] = {}
    grants: list[dict[str, Any]] = []
    refusals: list[dict[str, Any]] = []


class RecordingIntended(Event, frozen=True, kw_only=True):
    """Ours: the switch is about to be told to record a leg; told again when a take gets another grant.

    ``rid`` is the recording's id, 32 hex digits. It is empty for a file that the dialplan began.
    """

    leg: str
    path: str
    rid: str = ""
    origin: str = ""
    account: str = ""
    grants: list[dict[str, Any]] = []


class RecordingRefused(Event, frozen=True, kw_only=True):
    """Ours: a command about a recording was not carried out; ``reply`` is the switch's, or says why not."""

    leg: str
    command: str
    reply: str
    rid: str = ""
    path: str = ""


class RecordingMasked(Event, frozen=True, kw_only=True):
    """Ours: from here on the file has silence (``masked``) or sound; ``started`` is when it began."""

    leg: str
    path: str
    masked: bool
    started: int
    rid: str = ""


class AsteriskEvent(Event, frozen=True, kw_only=True):
    """Something that an Asterisk told of a channel; channels of one ``linked_id`` are one conversation."""

    unique_id: str
    linked_id: str = ""


class AgiReported(AsteriskEvent, frozen=True, kw_only=True):
    """A dialplan told of its channel over FastAGI: a hint, mostly from the ``h`` extension.

    ``variables`` are those that were asked for and exist, as texts.
    """

    channel: str = ""
    context: str = ""
    extension: str = ""
    caller_number: str = ""
    caller_name: str = ""
    account_code: str = ""
    variables: dict[str, str] = {}


class AsteriskCdr(AsteriskEvent, frozen=True, kw_only=True):
    """One CDR row: a channel and whom it was put through to; ``at`` is its end, ``duration`` its seconds."""

    account_code: str
    caller_number: str
    caller_name: str
    destination: str
    context: str
    channel: str
    other_channel: str
    application: str
    application_data: str
    started: int
    answered: int
    duration: int
    billsec: int
    disposition: str
    user_field: str = ""


class QueueLogged(AsteriskEvent, frozen=True, kw_only=True):
    """One line of queue_log about a caller; ``fields`` are the verb's own, as they came."""

    queue: str
    agent: str
    verb: str
    fields: tuple[str, ...] = ()


class Unknown(Event, frozen=True, kw_only=True):
    """An event of a kind nobody taught us; counted."""

    name: str


AnyEvent = (
    LegCreated
    | LegAnswered
    | LegBridged
    | LegUnbridged
    | LegHeld
    | LegResumed
    | LegEnded
    | LegLost
    | LegSummarised
    | LegsLinked
    | RecordingStarted
    | RecordingStopped
    | RecordingMoved
    | RecordingAsked
    | ConferenceJoined
    | ConferenceRecordingStarted
    | ConferenceRecordingStopped
    | QueueJoined
    | QueueLeft
    | PassageReported
    | AgentOffered
    | OfferFailed
    | AgentConnected
    | AgentReleased
    | OfferReported
    | AgentChanged
    | AgentMissedTooMany
    | QueueCounted
    | Heartbeat
    | SwitchStopping
    | CommandAnswered
    | ConnectionLost
    | ConnectionRestored
    | CallDecided
    | RecordingIntended
    | RecordingRefused
    | RecordingMasked
    | AgiReported
    | AsteriskCdr
    | QueueLogged
    | Unknown
)
