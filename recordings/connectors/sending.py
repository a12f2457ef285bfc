"""A call's steps, one after the other; what was acknowledged is written down and not done again.

    sign in -> step (noted as begun, if it is to be done once) -> answer written down -> next step

A step whose outcome nobody knows, because the connection broke or the worker was killed, is done again,
unless it is to be done once: then a person has to look, and *Send again* goes on with it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID, uuid5

from cdr.ingest import Touched
from cdr.models import Call
from database.sealed import LOST_WORDS, is_lost
from recordings.connectors.facts import Facts
from recordings.connectors.mapping import BadMapping, at_path, filled
from recordings.connectors.models import Connector
from recordings.connectors.soap import Refused, Service
from recordings.delivery.errors import DeliveryFailed
from recordings.delivery.models import Delivery, Kind
from recordings.delivery.network import Network
from recordings.delivery.news import is_since
from recordings.delivery.outbox import mine, put
from recordings.models import Recording

log = logging.getLogger(__name__)

DONE, BEGUN = "done", "begun"
LARGEST_RESULT = 16 * 1024
CALLS_AT_ONCE = 500


def connectors_for(accounts: Collection[Any], *, with_files: bool) -> list[Connector]:
    """Those of these accounts that are switched on: one query, on an index of few rows."""
    if not accounts:
        return []
    return list(Connector.objects.filter(account__in=accounts, enabled=True, with_files=with_files))


def calls_ended(touched: Iterable[Touched]) -> None:
    """Have the calls of a batch that are over told to those who need no file; of each once."""
    ended = {
        each.id: each.account_id
        for each in touched
        if each.account_id and each.conversation.call and each.conversation.call.ended
    }
    connectors = connectors_for(set(ended.values()), with_files=False)
    wanted = {connector.account_id for connector in connectors}
    ids = [call for call, account in ended.items() if account in wanted]
    for start in range(0, len(ids), CALLS_AT_ONCE):
        put(list(deliveries_of(ids[start : start + CALLS_AT_ONCE], connectors)))


def deliveries_of(ids: Sequence[UUID], connectors: Sequence[Connector]) -> Iterator[Delivery]:
    for call in Call.objects.filter(pk__in=ids, ended_at__isnull=False):
        for connector in connectors:
            is_own = connector.account_id == call.account_id
            if is_own and call.ended_at and is_since(connector.since, call.ended_at):
                yield delivery_of(connector, call.pk)


def recording_ready(recording: Recording) -> None:
    """Have a call told to those who need its file; the first of its recordings is the one."""
    if recording.account_id is None or recording.call_id is None:
        return
    moment = recording.stopped_at or recording.started_at
    connectors = connectors_for([recording.account_id], with_files=True)
    put(
        [
            delivery_of(connector, recording.call_id, recording)
            for connector in connectors
            if is_since(connector.since, moment)
        ]
    )


def delivery_of(connector: Connector, call: UUID, recording: Recording | None = None) -> Delivery:
    return Delivery(
        pk=uuid5(connector.pk, call.hex),
        account_id=connector.account_id,
        kind=Kind.CONNECTOR,
        subject=f"Call to {connector.name}"[:255],
        connector=connector,
        recording=recording,
        payload={"call": call.hex},
    )


def send(delivery: Delivery, network: Network) -> None:
    connector = delivery.connector
    if connector is None or not connector.enabled:
        raise DeliveryFailed("The connector is switched off.", permanent=True)
    call = Call.objects.select_related("account").filter(pk=delivery.payload["call"]).first()
    if call is None or call.account is None or call.account_id != connector.account_id:
        raise DeliveryFailed("The call is not there any more.", permanent=True)
    sending = Sending(
        delivery, connector, Facts(call, call.account, delivery.recording, delivery.pk.hex), network
    )
    try:
        sending.run()
    except DeliveryFailed as failed:
        failed.reason = sending.without_secrets(failed.reason)
        raise


class Sending:
    """One try of a call's steps."""

    def __init__(self, delivery: Delivery, connector: Connector, facts: Facts, network: Network) -> None:
        self.delivery = delivery
        self.connector = connector
        self.network = network
        self.facts = facts
        self.facts.secrets = connector.secrets
        self.facts.results = dict(delivery.payload.get(DONE, {}))

    def run(self) -> None:
        if is_lost(self.connector.secrets):
            raise DeliveryFailed(LOST_WORDS)
        self.refuse_unsure()
        left = [step for step in self.connector.steps if step["name"] not in self.facts.results]
        if not left:
            return
        self.service = Service(self.connector.wsdl, self.network)
        self.sign_in()
        for step in left:
            self.facts.results[step["name"]] = self.do(step)
            self.note(begun="")

    def refuse_unsure(self) -> None:
        """A worker was killed while it did something that is to be done once."""
        if begun := self.delivery.payload.get(BEGUN):
            self.note(begun="")
            raise DeliveryFailed(unsure_words(begun), permanent=True)

    def sign_in(self) -> None:
        how = self.connector.sign_in
        if not how:
            return
        answer = self.service.call(how["operation"], self.arguments(how))
        try:
            self.facts.session = at_path(answer, how.get("session", ""))
        except BadMapping as bad:
            raise DeliveryFailed(f"{how['operation']}: {bad}.") from None

    def do(self, step: dict[str, Any]) -> Any:
        """One step; a fault can mean that the session is over, so that it is begun anew once."""
        once = bool(step.get("once"))
        if once:
            self.note(begun=step["name"])
        try:
            try:
                return self.call(step)
            except Refused:
                if not self.connector.sign_in:
                    raise
                self.sign_in()
                return self.call(step)
        except DeliveryFailed as failed:
            if once:
                self.note(begun="")
            if once and failed.unsure:
                raise DeliveryFailed(
                    f"{unsure_words(step['name'])} {failed.reason}", permanent=True
                ) from None
            raise

    def call(self, step: dict[str, Any]) -> Any:
        answer = self.service.call(step["operation"], self.arguments(step))
        kept = json.dumps(answer)
        # A long answer is of no use to later steps; what counts is that there was one.
        return answer if len(kept) <= LARGEST_RESULT else {}

    def arguments(self, step: dict[str, Any]) -> dict[str, Any]:
        try:
            found: dict[str, Any] = filled(step.get("arguments", {}), self.facts.find)
        except BadMapping as bad:
            raise DeliveryFailed(str(bad), permanent=True) from None
        return found

    def note(self, begun: str) -> None:
        """Write down what was done, unless somebody else has the delivery by now."""
        payload = self.delivery.payload | {DONE: self.facts.results, BEGUN: begun}
        if not mine(self.delivery).update(payload=payload):
            raise DeliveryFailed("Another worker has taken it on.")
        self.delivery.payload = payload

    def without_secrets(self, reason: str) -> str:
        """A receiver may say back what it was told."""
        for secret in [*self.connector.secrets.values(), self.facts.session]:
            if isinstance(secret, str) and secret:
                reason = reason.replace(secret, "…")
        return reason


def unsure_words(step: str) -> str:
    return f"It is not known whether {step} was done: look there, then send again."
