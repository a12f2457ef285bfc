"""Gives a switch the orders that wait for it, one after the other, and writes its answers."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from typing import Final

from django.db import DatabaseError, connection
from django.utils import timezone

from ccportal.listener.comparison import Comparison
from queues.models import QueueServer, SwitchOrder
from queues.orders import READS_CONFIGURATION, note, settle, settle_with, step_of, waiting
from queues.wanted import to_write, wanted
from switch.backoff import Backoff
from switch.callcenter import locate_configuration
from switch.callcenter_conf import MalformedConfiguration, Values, read_configuration
from switch.errors import SwitchError, UnsafeValue
from switch.esl.command_connection import CommandConnection
from switch.esl.connection import Address

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.25
REPLY_SECONDS: Final = 20.0
STOP_SECONDS: Final = 2.0
TRIES: Final = 3
LEAVE_ALL_EQUAL: Final = ("set_agent_status", "set_agent_state")
NOT_THERE: Final = (
    "The switch would not find the queue in its configuration and would drop it: see that it asks this "
    "portal for callcenter.conf, or has it in its own file."
)
LOGS_OUT: Final = (
    "The switch's own callcenter.conf sets the status of agents, so that this would log them out: take the "
    "status attributes away there."
)


class Clerk:
    """Looks for orders of one switch; a database or a switch that is away is tried again."""

    def __init__(self, switch_id: str, name: str, address: Address, pause: float = 1.0) -> None:
        self._switch_id = uuid.UUID(switch_id)
        self._name = name
        self._commands = CommandConnection(address)
        self._comparison = Comparison(self._switch_id, name, self._commands)
        self._backoff = Backoff(0.5, 10.0)
        self._away = ""
        self._pause = pause

    def step(self) -> float:
        """Give what waits; return how long to wait before the next time."""
        try:
            orders = waiting(self._switch_id)
            for order in orders:
                self.give(order)
            self._comparison.step(changed=any(order.kind not in LEAVE_ALL_EQUAL for order in orders))
        except (DatabaseError, SwitchError) as error:
            return self._failed(error)
        self._away = ""
        self._backoff.reset()
        return LOOK_SECONDS

    def give(self, order: SwitchOrder) -> None:
        """Give one order and write what became of it; it goes on waiting while the switch is away."""
        if order.expires_at <= timezone.now():
            settle(order, SwitchOrder.State.EXPIRED, order.answer or "The switch was not there in time.")
            return
        try:
            command = step_of(order).command
            if order.kind in READS_CONFIGURATION and (fault := self.lasting_fault(str(order.arguments[0]))):
                settle(order, SwitchOrder.State.FAILED, fault)
                return
            settle_with(order, self._commands.send(command, REPLY_SECONDS))
        except UnsafeValue as error:
            settle(order, SwitchOrder.State.FAILED, str(error))
        except SwitchError as error:
            note(order, f"The switch is not there: {error}")
            raise

    def lasting_fault(self, queue: str) -> str:
        """As ``fault``, but a portal that only was slow or began anew is asked once more."""
        for _ in range(TRIES - 1):
            if not self.fault(queue):
                return ""
            time.sleep(self._pause)
        return self.fault(queue)

    def fault(self, queue: str) -> str:
        """Why the switch must not read this queue's configuration now; empty when it may."""
        text = self._commands.send(locate_configuration(), REPLY_SECONDS).text
        try:
            found = read_configuration(text)
        except MalformedConfiguration:
            return NOT_THERE
        if queue not in found.queues:
            return NOT_THERE
        if any("status" in values for values in found.agents.values()):
            return LOGS_OUT
        return self._other_parameters(queue, found.queues[queue])

    def _other_parameters(self, queue: str, theirs: Values) -> str:
        """What the switch would read otherwise than it is here, as from a file that is not ours."""
        server = QueueServer.objects.filter(switch=self._switch_id).select_related("switch__account").first()
        ours = to_write(wanted(server, queue=queue)).queues.get(queue) if server else None
        if ours is None or ours == theirs:
            return ""
        names = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
        return (
            f"The switch would read other parameters than these from its configuration: {', '.join(names)}."
        )

    def close(self) -> None:
        self._commands.close()

    def _failed(self, error: Exception) -> float:
        if isinstance(error, DatabaseError):
            connection.close()
        if self._away != type(error).__name__:
            log.warning("switch %s: orders wait: %s", self._name, error)
        self._away = type(error).__name__
        return self._backoff.next_delay()


class ClerkThread:
    """A clerk at work, for as long as this listener commands the switch."""

    def __init__(self, clerk: Clerk, name: str) -> None:
        self._clerk = clerk
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{name}: orders", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """End behind the order that is being given."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self._clerk.step()):
                pass
        finally:
            self._clerk.close()
            connection.close()
