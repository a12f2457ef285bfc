"""Which events belong to one conversation: those that name a leg in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from switch import events as ev

ROOM = "conference:"
IN_ROOM = "in-room:"
LINKING_VARIABLES = (
    "cc_member_session_uuid",
    "originator",
    "originating_leg_uuid",
    "other_loopback_leg_uuid",
    "bridge_uuid",
)


def keys_of(event: ev.Event) -> Iterator[str]:
    """The legs that an event says belong together; a conference room stands apart from those who enter it."""
    if isinstance(event, ev.LegEvent):
        yield from _channel_keys(event.channel)
        if isinstance(event, (ev.LegBridged, ev.LegUnbridged)):
            yield event.a_leg
            yield event.b_leg
    elif isinstance(event, ev.MemberEvent):
        yield event.session
        if isinstance(event, (ev.AgentConnected, ev.AgentReleased, ev.QueueLeft, ev.OfferReported)):
            yield event.agent_leg
    elif isinstance(event, ev.LegsLinked):
        yield from event.legs
    elif isinstance(event, ev.ConferenceEvent):
        yield ROOM + event.conference
    elif isinstance(event, ev.AsteriskEvent):
        yield event.unique_id
        yield event.linked_id


def _channel_keys(channel: ev.Channel) -> Iterator[str]:
    yield channel.uuid
    yield channel.call_uuid
    yield channel.other_leg
    for name in LINKING_VARIABLES:
        yield channel.variables.get(name, "")


class Groups:
    """Conversations as sets of keys that grow together (union-find)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def find(self, key: str) -> str:
        above = self._above
        if key not in above:
            above[key] = key
            return key
        root = key
        while above[root] != root:
            root = above[root]
        while above[key] != root:
            above[key], key = root, above[key]
        return root

    def join(self, keys: Iterable[str]) -> str:
        """Put the keys into one group and name it; "" when there is none."""
        first = ""
        for key in keys:
            if not key:
                continue
            root = self.find(key)
            if not first:
                first = root
            elif root != first:
                self._above[root] = first
        return first

    def members(self) -> dict[str, list[str]]:
        """Every group's keys by its name."""
        found: dict[str, list[str]] = {}
        for key in self._above:
            found.setdefault(self.find(key), []).append(key)
        return found
