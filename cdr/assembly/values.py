"""What a conversation was, as values: one class a table, times in integer microseconds (0 or None: never)."""

from __future__ import annotations

from dataclasses import dataclass, field

UNKNOWN = "unknown"


@dataclass(slots=True)
class LegFacts:
    """One channel from creation to hangup."""

    uuid: str
    direction: str = ""
    channel_name: str = ""
    profile: str = ""
    context: str = ""
    source: str = ""
    network_address: str = ""
    network: str = UNKNOWN
    caller_number: str = ""
    caller_name: str = ""
    callee_number: str = ""
    callee_name: str = ""
    first_caller_number: str = ""
    first_caller_name: str = ""
    destination: str = ""
    final_destination: str = ""
    created: int = 0
    ringing: int = 0
    answered: int = 0
    bridged: int = 0
    ended: int = 0
    cause: str = ""
    billsec: int | None = None
    duration: int | None = None
    holds: list[tuple[int, int]] = field(default_factory=list)
    held_since: int = 0
    other_leg: str = ""
    originator: str = ""
    read_codec: str = ""
    write_codec: str = ""
    quality: dict[str, float] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def hold(self) -> int:
        return sum(end - begin for begin, end in self.holds)

    @property
    def is_loopback(self) -> bool:
        return self.channel_name.startswith(("loopback/", "Local/"))

    @property
    def is_agent(self) -> bool:
        return self.variables.get("cc_side") == "agent"


@dataclass(slots=True)
class OfferFacts:
    """One agent asked to take one caller."""

    agent: str
    offered: int
    agent_leg: str = ""
    outcome: str = "ringing"
    cause: str = ""
    answered: int = 0
    ended: int = 0
    hold: int = 0
    transferred: bool = False


@dataclass(slots=True)
class VisitFacts:
    """One passage of a caller through a queue."""

    member: str
    session: str
    queue: str = ""
    resumed: bool = False
    caller_number: str = ""
    caller_name: str = ""
    joined: int = 0
    left: int = 0
    joined_epoch: int = 0
    left_epoch: int = 0
    cause: str = ""
    cancel_reason: str = ""
    offers: list[OfferFacts] = field(default_factory=list)

    @property
    def answer(self) -> OfferFacts | None:
        """The first agent who answered."""
        return next((offer for offer in self.offers if offer.outcome == "answered"), None)

    @property
    def ring(self) -> int:
        """When the answering agent began to ring, else the first who did."""
        offer = self.answer or (self.offers[0] if self.offers else None)
        return offer.offered if offer else 0


@dataclass(frozen=True, slots=True)
class Take:
    """One recording: a path, and when it was begun and ended; ``number`` counts the takes on that path."""

    leg: str
    stop_leg: str
    conference: str
    path: str
    number: int
    rid: str
    started_at: int
    stopped_at: int
    milliseconds: int | None
    size: int | None
    cause: str
    discarded: bool
    overwritten: bool
    queue: str
    agent: str
    origin: str


@dataclass(slots=True)
class CallFacts:
    """A conversation in one line."""

    root: LegFacts
    answering: LegFacts | None
    direction: str
    outcome: str
    started: int
    answered: int
    ended: int
    queue: str
    agent: str
    wait: int | None
    talk: int
    hold: int


@dataclass(slots=True)
class Conversation:
    """Everything that is known of one conversation; ``call`` is None for a conference room or hearsay.

    ``is_provisional``: what was a leg or a visit may prove to be another as more is known.
    """

    legs: dict[str, LegFacts]
    visits: list[VisitFacts]
    takes: list[Take]
    call: CallFacts | None
    joined_legs: tuple[str, ...] = ()
    is_provisional: bool = False
