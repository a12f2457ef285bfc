"""The facts of a call that is going on, from the legs it has so far. Pure: typed events in, values out.

What a channel cannot say stays ``unknown``: where a call goes until its first B leg, and who forwarded a call
unless the dialplan names them in ``ccportal_forwarded_by``. Source: channels captured from a real switch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from policies.decide import Facts, Forwarder
from policies.settings import Settings
from switch import events as ev
from switch.networks import Network, NetworkRules, network_of

Role = Literal["A", "B", "between"]

UNKNOWN: Network = "unknown"
FORWARDER_VARIABLE = "ccportal_forwarded_by"
FORWARDED = ("originator", "originating_leg_uuid")


@dataclass(frozen=True, slots=True)
class Phone:
    """A device or a person of an account; ``settings`` is None when it is switched off."""

    name: str
    settings: Settings | None = None


@dataclass(frozen=True, slots=True)
class Whose:
    """Whom a leg belongs to: the account and, when the leg leads to or comes from one, its phone."""

    account: str = ""
    because: str = ""
    phone: Phone | None = None


class Directory(Protocol):
    """Who is known: accounts, their phones, and how a switch's carriers are told."""

    @property
    def rules(self) -> NetworkRules: ...

    def whose(self, channel: ev.Channel) -> Whose: ...

    def account_settings(self, account: str) -> Settings: ...

    def phone(self, account: str, name: str) -> Phone | None: ...


@dataclass(slots=True)
class LiveLeg:
    """A leg as it was created."""

    channel: ev.Channel
    role: Role
    network: Network
    whose: Whose

    @property
    def uuid(self) -> str:
        return self.channel.uuid

    @property
    def rung(self) -> bool:
        """Whether the switch rang the far end, and it is an end."""
        return self.channel.direction == "outbound" and self.role != "between"

    @property
    def agent(self) -> bool:
        return self.channel.variables.get("cc_side") == "agent"

    @property
    def queue(self) -> str:
        """The queue that rings this agent."""
        return self.channel.variables.get("cc_queue", "") if self.agent else ""

    @property
    def member(self) -> str:
        """The leg whose caller this agent is rung for."""
        return self.channel.variables.get("cc_member_session_uuid", "") if self.agent else ""


@dataclass(slots=True)
class LiveCall:
    """The legs of one conversation; whose it is and its settings stay as they were when first known."""

    legs: dict[str, LiveLeg] = field(default_factory=dict)
    account: str = ""
    settings: Settings | None = None
    over: bool = False

    @property
    def a_leg(self) -> LiveLeg | None:
        return next((leg for leg in self.legs.values() if leg.role == "A"), None)

    @property
    def rung(self) -> list[LiveLeg]:
        """The legs that were rung, in the order of their creation; their places are the callees'."""
        return [leg for leg in self.legs.values() if leg.rung]

    @property
    def from_(self) -> Network:
        """Where the call came from; one that the switch itself began came from no carrier."""
        a_leg = self.a_leg
        if a_leg is None:
            return UNKNOWN
        return "onnet" if a_leg.channel.direction == "outbound" else a_leg.network

    @property
    def to(self) -> Network:
        """Where the call goes: as its first B leg does; on-net when it ended without one."""
        a_leg = self.a_leg
        if a_leg is not None and a_leg.rung and a_leg.network == "offnet":
            return "offnet"
        known = (leg.network for leg in self.rung if leg.role == "B" and leg.network != UNKNOWN)
        return next(known, "onnet" if self.over and a_leg else UNKNOWN)

    def own(self, leg: LiveLeg) -> bool:
        """Whether the leg's phone is the call's own account's."""
        return leg.whose.phone is not None and leg.whose.account == self.account


class LiveCalls:
    """Which legs are one conversation. A leg that comes before the one it names waits for it in a call."""

    def __init__(self) -> None:
        self.by_leg: dict[str, LiveCall] = {}
        self._expected: dict[str, LiveCall] = {}

    def created(self, channel: ev.Channel, directory: Directory) -> LiveCall:
        """Put a new leg where it belongs; a leg that is known already changes nothing."""
        known = self.by_leg.get(channel.uuid)
        if known is not None:
            return known
        parent = parent_of(channel)
        call = self._expected.pop(channel.uuid, None) or self._call_of(parent) or LiveCall()
        if parent and parent not in self.by_leg:
            self._expected[parent] = call
        if partner := channel.variables.get("other_loopback_leg_uuid", ""):
            self._expect_partner(partner, call)
        self.by_leg[channel.uuid] = call
        call.legs[channel.uuid] = LiveLeg(
            channel,
            role_of(channel, parent),
            network_of_channel(channel, directory.rules),
            directory.whose(channel),
        )
        choose_account(call, directory)
        return call

    def forget(self, call: LiveCall) -> None:
        """Drop a conversation that is over."""
        for uuid in call.legs:
            self.by_leg.pop(uuid, None)
        self._expected = {key: waiting for key, waiting in self._expected.items() if waiting is not call}

    def _call_of(self, leg: str) -> LiveCall | None:
        return self.by_leg.get(leg) or self._expected.get(leg)

    def _expect_partner(self, partner: str, call: LiveCall) -> None:
        if partner not in self.by_leg:
            self._expected[partner] = call


def choose_account(call: LiveCall, directory: Directory) -> None:
    """The A leg's account, else the first that any leg names."""
    if call.account:
        return
    legs = sorted(call.legs.values(), key=lambda leg: leg.role != "A")
    call.account = next((leg.whose.account for leg in legs if leg.whose.account), "")
    if call.account:
        call.settings = directory.account_settings(call.account)


def is_loopback(channel: ev.Channel) -> bool:
    return channel.name.startswith("loopback/")


def parent_of(channel: ev.Channel) -> str:
    """The leg that this one was made for: its originator, its queue caller, or its loopback partner."""
    variables = channel.variables
    named: list[str] = [variables.get(name, "") for name in FORWARDED]
    if variables.get("cc_side") == "agent":
        named.append(variables.get("cc_member_session_uuid", ""))
    if is_loopback(channel) and channel.direction == "inbound":
        named.append(variables.get("other_loopback_leg_uuid", ""))
    elif channel.direction == "outbound":
        named.append(channel.other_leg)
    return next((uuid for uuid in named if uuid and uuid != channel.uuid), "")


def role_of(channel: ev.Channel, parent: str) -> Role:
    if is_loopback(channel) and parent:
        return "between"
    return "B" if parent else "A"


def network_of_channel(channel: ev.Channel, rules: NetworkRules) -> Network:
    """Say it from what the channel was when it was created."""
    return network_of(
        channel.name,
        channel.direction,
        channel.profile,
        channel.context,
        channel.source,
        channel.variables,
        rules,
    )


def facts_of_call(call: LiveCall, directory: Directory) -> Facts:
    """What is known now; ``callees`` are in the order of ``call.rung``."""
    a_leg = call.a_leg
    caller = a_leg.whose.phone if a_leg and not a_leg.rung and call.own(a_leg) else None
    found = forwarder_of(call, directory)
    settings = found[1].settings if found else None
    return Facts(
        from_=call.from_,
        to=call.to,
        account=call.settings,
        caller=caller.settings if caller else None,
        callees=tuple(
            leg.whose.phone.settings if leg.whose.phone and call.own(leg) else None for leg in call.rung
        ),
        forwarder=Forwarder(settings, call.from_) if settings else None,
    )


def forwarder_of(call: LiveCall, directory: Directory) -> tuple[LiveLeg, Phone] | None:
    """The forwarded leg and whose call forward it was, where the dialplan says so."""
    for leg in call.rung:
        name = leg.channel.variables.get(FORWARDER_VARIABLE, "")
        phone = directory.phone(call.account, name) if name and call.account else None
        if phone is not None:
            return leg, phone
    return None


def facts_in_words(call: LiveCall, directory: Directory) -> dict[str, Any]:
    """The facts as they are kept with the decision."""
    a_leg = call.a_leg
    forwarder = forwarder_of(call, directory)
    return {
        "from": call.from_,
        "to": call.to,
        "account": call.account,
        "account_because": next(_reasons(call), ""),
        "caller": a_leg.whose.phone.name if a_leg and not a_leg.rung and a_leg.whose.phone else UNKNOWN,
        "callees": [_callee(call, leg) for leg in call.rung],
        "forwarder": forwarder[1].name if forwarder else UNKNOWN,
    }


def _reasons(call: LiveCall) -> Iterator[str]:
    return (leg.whose.because for leg in call.legs.values() if leg.whose.account == call.account != "")


def _callee(call: LiveCall, leg: LiveLeg) -> dict[str, str]:
    phone = leg.whose.phone
    name = phone.name if phone and call.own(leg) else UNKNOWN
    return {"leg": leg.uuid, "phone": name} | ({"queue": "agent"} if leg.agent else {})
