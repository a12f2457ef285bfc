"""Compare a connector with its WSDL: every operation's arguments are made, and nothing is sent."""

from __future__ import annotations

from typing import Any

from recordings.connectors.mapping import RESULT, SECRET, SESSION, BadMapping, filled
from recordings.connectors.models import Connector
from recordings.connectors.soap import Service
from recordings.delivery.errors import DeliveryFailed
from recordings.delivery.network import Network

MOMENT = "2026-03-02T12:00:00.000Z"
SAMPLES: dict[str, Any] = {
    "started": MOMENT,
    "answered": MOMENT,
    "ended": MOMENT,
    "started_local": "2026-03-02 13:00:00",
    "file": b"",
    "file_size": 1,
    "wait_seconds": 1,
    "talk_seconds": 1,
    "duration_seconds": 1,
}


def sample(name: str) -> Any:
    """Something of the field's kind; what another system answers is taken for a text."""
    first = name.partition(".")[0]
    return "1" if first in (SESSION, SECRET, RESULT) else SAMPLES.get(name, "1")


def try_out(connector: Connector, network: Network | None = None) -> list[str]:
    """Read the WSDL and say of every operation that it fits; DeliveryFailed with the first that does not."""
    service = Service(connector.wsdl, network or Network())
    steps = [connector.sign_in] if connector.sign_in else []
    fitting = []
    for step in [*steps, *connector.steps]:
        try:
            arguments = filled(step.get("arguments", {}), sample)
        except BadMapping as bad:
            raise DeliveryFailed(f"{step['operation']}: {bad}", permanent=True) from None
        service.check(step["operation"], arguments)
        fitting.append(f"{step['operation']}: fits")
    return fitting
