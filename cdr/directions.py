"""Direction as people mean it, from the first A leg and the legs it led to."""

from __future__ import annotations

from cdr.assembly.values import LegFacts


def first_leg(legs: dict[str, LegFacts]) -> LegFacts:
    """The leg that the conversation began with: the earliest that nobody led to, arriving before made."""
    roots = [leg for leg in legs.values() if not led_by(leg, legs) and not leg.is_agent]
    return min(roots or legs.values(), key=lambda leg: (leg.created, leg.direction != "inbound", leg.uuid))


def led_by(leg: LegFacts, legs: dict[str, LegFacts]) -> LegFacts | None:
    """The leg that made this one, through both halves of a loopback."""
    above = legs.get(leg.originator)
    if above is not None and above is not leg:
        return above
    half = legs.get(leg.variables.get("other_loopback_leg_uuid", ""))
    if half is not None and half is not leg and leg.direction == "inbound":
        return half
    return None


def reached_leg(root: LegFacts, legs: dict[str, LegFacts]) -> LegFacts | None:
    """The far end the first leg was led to: the first that answered, else the first that rang; no agents."""
    ends = [
        leg
        for leg in legs.values()
        if leg.direction == "outbound" and not leg.is_loopback and _descends(leg, root, legs)
    ]
    answered = [leg for leg in ends if leg.answered]
    if answered:
        return min(answered, key=lambda leg: (leg.answered, leg.uuid))
    return min(ends, key=lambda leg: (leg.created, leg.uuid), default=None)


def _descends(leg: LegFacts, root: LegFacts, legs: dict[str, LegFacts]) -> bool:
    seen = {leg.uuid}
    above = led_by(leg, legs)
    while above is not None and above.uuid not in seen:
        if above is root:
            return True
        seen.add(above.uuid)
        above = led_by(above, legs)
    return False


def direction_of(root: LegFacts, reached: LegFacts | None, *, queued: bool) -> str:
    """inbound, outbound, internal, forwarded or unknown."""
    if root.network == "unknown":
        return "unknown"
    if root.network == "onnet":
        return "outbound" if reached is not None and reached.network == "offnet" else "internal"
    if reached is not None and reached.network == "offnet" and not queued and root.direction == "inbound":
        return "forwarded"
    return "inbound" if root.direction == "inbound" else "outbound"
