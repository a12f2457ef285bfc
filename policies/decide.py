"""The decision: what of a call is recorded, and why; what is not, and why not. Pure: values in, values out.

Account, caller, callees and forwarder are asked independently of each other. Source: the rules of the 2600Hz
"Call Recording" guide with inheritance as it promises it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.settings import Cell, Settings

KNOWN = ("onnet", "offnet")


@dataclass(frozen=True, slots=True)
class Forwarder:
    """The endpoint whose call forward sent the call out again, and where the call had come from."""

    settings: Settings
    original_from: str


@dataclass(frozen=True, slots=True)
class Facts:
    """A call as it is routed; ``unknown`` in ``from_`` or ``to`` when nobody can say (yet)."""

    from_: str
    to: str
    account: Settings | None = None
    caller: Settings | None = None
    callees: tuple[Settings | None, ...] = ()
    forwarder: Forwarder | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """One reason to record one leg; ``callee`` counts the endpoints that are rung, from 0."""

    scope: str
    leg: str
    cell: str
    start: str
    params: Mapping[str, Any]
    because: str
    callee: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason not to record; ``pending`` when it waits for where the call goes."""

    scope: str
    leg: str
    because: str
    callee: int | None = None
    pending: bool = False


@dataclass(slots=True)
class Decision:
    grants: list[Grant] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def decide(facts: Facts) -> Decision:
    """Ask everyone who has a say."""
    decision = Decision()
    for found in _everyone(facts):
        if isinstance(found, Grant):
            decision.grants.append(found)
        else:
            decision.refusals.append(found)
    return decision


def _everyone(facts: Facts) -> Iterator[Grant | Refusal]:
    if facts.account is not None:
        yield _account(facts, facts.account)
    if facts.caller is not None:
        yield _caller(facts, facts.caller)
    for position, callee in enumerate(facts.callees):
        if callee is not None:
            yield _rung("callee", callee, facts.from_, position)
    if facts.forwarder is not None:
        yield _rung("forwarder", facts.forwarder.settings, facts.forwarder.original_from, None)


def _account(facts: Facts, settings: Settings) -> Grant | Refusal:
    """The A leg once: by where the call came from, else by where it goes."""
    inbound = settings.cells.get(f"inbound.{facts.from_}")
    if inbound is not None and inbound.enabled:
        return _granted("account", "A", inbound, inbound.start)
    outbound = settings.cells.get(f"outbound.{facts.to}")
    if outbound is not None and outbound.enabled:
        return _granted("account", "A", outbound, outbound.start)
    pending = facts.to not in KNOWN and any(
        settings.cells[f"outbound.{network}"].enabled for network in KNOWN
    )
    return Refusal("account", "A", _why_not("The account", inbound, outbound), pending=pending)


def _caller(facts: Facts, settings: Settings) -> Grant | Refusal:
    if facts.forwarder is not None:
        return Refusal("caller", "A", "A forwarded call is not the caller's to record.")
    if facts.from_ != "onnet":
        return Refusal("caller", "A", "The call did not come from one of the account's phones.")
    cell = settings.cells.get(f"outbound.{facts.to}")
    if cell is not None and cell.enabled:
        return _granted("caller", "A", cell, cell.start)
    pending = cell is None and any(settings.cells[f"outbound.{network}"].enabled for network in KNOWN)
    return Refusal("caller", "A", _why_not("The caller", cell), pending=pending)


def _rung(scope: str, settings: Settings, from_: str, callee: int | None) -> Grant | Refusal:
    """A leg that is rung records when it answers, whatever its settings say of the start."""
    cell = settings.cells.get(f"inbound.{from_}")
    if cell is not None and cell.enabled:
        return _granted(scope, "B", cell, "answer", callee)
    return Refusal(scope, "B", _why_not(f"The {scope}", cell), callee)


def _granted(scope: str, leg: str, cell: Cell, start: str, callee: int | None = None) -> Grant:
    return Grant(scope, leg, cell.name, start, cell.params, _why(cell), callee)


def _why(cell: Cell) -> str:
    said = f"Recorded by {cell.sources['enabled']}"
    if not cell.overruled:
        return f"{said}."
    return f"{said}, over {' and '.join(map(str, cell.overruled))}."


def _why_not(who: str, *cells: Cell | None) -> str:
    known = [cell for cell in cells if cell is not None]
    if not known:
        return f"{who}: nobody knows yet where the call goes."
    return f"{who}: " + "; ".join(map(_why_not_cell, known)) + "."


def _why_not_cell(cell: Cell) -> str:
    source = cell.sources.get("enabled")
    if source is None:
        return f"nothing switches {cell.name} on"
    over = f", over {' and '.join(map(str, cell.overruled))}" if cell.overruled else ""
    return f"{cell.name} is switched off by {source}{over}"
