"""Deliveries in words: where they go, how far they are, and why they did not arrive."""

from __future__ import annotations

from dataclasses import dataclass

from ccportal.portal.switches import Clock, Moment
from ccportal.portal.wording import State as Mark
from ccportal.portal.wording import on_one_line
from recordings.delivery.models import DeliveryState
from recordings.models import Delivery

SENT = Mark("Delivered", "good")
FAILED = Mark("Not delivered", "bad")
SENDING = Mark("Being sent", "talk")
DUE = Mark("Waiting", "talk")
TROUBLED = Mark("Waiting", "warn")


@dataclass(frozen=True)
class Outgoing:
    """A delivery as it is shown; ``key`` is its id as form fields have it."""

    key: str
    when: Moment
    call: str
    what: str
    hook: str
    host: str
    state: Mark
    tries: str
    why: str
    next_try: Moment
    finished: Moment
    has_failed: bool

    @property
    def sentence(self) -> str:
        """What became of it, on one line."""
        if self.has_failed:
            return f"Not delivered to {self.host}: {self.why}"
        if self.finished.shown:
            return f"Delivered to {self.host} at {self.finished.shown}."
        if self.state == SENDING:
            return f"Being sent to {self.host}."
        waits = f"Waiting for {self.host}: next try {self.next_try.shown}."
        return f"{waits} {self.why}" if self.why else waits


def outgoing(row: Delivery, clock: Clock) -> Outgoing:
    state = state_of(row, clock)
    call = row.recording.call_id if row.recording else None
    return Outgoing(
        key=str(row.pk),
        when=clock.at(row.created_at),
        call=call.hex if call else "",
        what=on_one_line(row.subject) or row.kind_name,
        hook=on_one_line(row.webhook.name) if row.webhook else "",
        host=on_one_line(row.host) or "nowhere",
        state=state,
        tries=f"{row.attempts:,}",
        why=on_one_line(row.error),
        next_try=next_try_of(row, state, clock),
        finished=clock.at(row.finished_at),
        has_failed=row.state == DeliveryState.FAILED,
    )


def state_of(row: Delivery, clock: Clock) -> Mark:
    if row.state == DeliveryState.SENT:
        return SENT
    if row.state == DeliveryState.FAILED:
        return FAILED
    if row.queued_at and row.next_try_at and row.next_try_at > clock.now:
        return SENDING
    return TROUBLED if row.error else DUE


def next_try_of(row: Delivery, state: Mark, clock: Clock) -> Moment:
    """When it goes on by itself; of what is being sent that is not known."""
    if row.next_try_at is None or state == SENDING:
        return Moment()
    at = clock.at(row.next_try_at)
    return at if row.next_try_at > clock.now else Moment("now", at.title)
