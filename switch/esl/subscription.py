"""Which events are asked for."""

from __future__ import annotations

from dataclasses import dataclass

from switch.errors import UnsafeValue

NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:-.")


@dataclass(frozen=True, slots=True)
class Subscription:
    """Event names, and subclasses of CUSTOM."""

    events: tuple[str, ...]
    custom: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Return the words of the command, CUSTOM last: every word behind it is a subclass."""
        custom = ("CUSTOM", *self.custom) if self.custom else ()
        for name in (*self.events, *self.custom):
            if not name or not NAME_CHARACTERS.issuperset(name) or name == "CUSTOM":
                raise UnsafeValue("event name", name, "only letters, digits and _:-. are allowed")
        return " ".join((*self.events, *custom))


WHAT_MATTERS = Subscription(
    events=(
        "CHANNEL_CREATE",
        "CHANNEL_ANSWER",
        "CHANNEL_BRIDGE",
        "CHANNEL_UNBRIDGE",
        "CHANNEL_HOLD",
        "CHANNEL_UNHOLD",
        "CHANNEL_HANGUP_COMPLETE",
        "RECORD_START",
        "RECORD_STOP",
        "MEDIA_BUG_START",
        "MEDIA_BUG_STOP",
        "HEARTBEAT",
        "SHUTDOWN",
        "BACKGROUND_JOB",
    ),
    custom=("callcenter::info", "conference::maintenance", "ccportal::record_call"),
)
