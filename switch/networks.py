"""On-net or off-net: whether a leg is one of the platform's own or goes over a carrier.

Source: channels captured from a real switch. ``resource_type`` is said by the dialplan and wins; a gateway
is a carrier; then the profiles and contexts that the configuration calls off-net; then authentication.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Network = Literal["onnet", "offnet", "unknown"]


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """How a switch tells its carriers' legs: SIP profiles, and the contexts that calls from outside enter."""

    offnet_profiles: frozenset[str] = frozenset()
    offnet_contexts: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        return not (self.offnet_profiles or self.offnet_contexts)


def network_of(
    channel_name: str,
    direction: str,
    profile: str,
    context: str,
    source: str,
    variables: Mapping[str, str],
    rules: NetworkRules,
) -> Network:
    """Where the far end of a leg is; the context of a leg that we rang is its caller's and says nothing."""
    said = variables.get("resource_type", "")
    if said.startswith("offnet"):
        return "offnet"
    if said.startswith("onnet"):
        return "onnet"
    if variables.get("sip_gateway_name") or profile in rules.offnet_profiles:
        return "offnet"
    if variables.get("sip_authorized") == "true" or variables.get("dialed_user"):
        return "onnet"
    if channel_name.startswith("loopback/"):
        return "onnet"
    if direction == "inbound":
        return _arriving(profile, context, source, variables, rules)
    return "onnet" if profile and not rules.empty else "unknown"


def _arriving(
    profile: str, context: str, source: str, variables: Mapping[str, str], rules: NetworkRules
) -> Network:
    if context in rules.offnet_contexts:
        return "offnet"
    if variables.get("user_name"):
        return "onnet"
    if not rules.empty:
        return "onnet" if profile else "unknown"
    return "offnet" if source == "mod_sofia" else "unknown"


OUTSIDE_CONTEXTS = frozenset({"from-trunk", "from-pstn", "from-did-direct", "incoming", "inbound", "public"})
INSIDE_CONTEXTS = frozenset({"from-internal", "internal", "local", "phones"})


def asterisk_network_of(peer: str, context: str, direction: str, rules: NetworkRules) -> Network:
    """Where the far end of an Asterisk's channel is: by its peer, else by the context that it entered.

    Without rules, the contexts' customary names tell.
    """
    if peer and peer in rules.offnet_profiles:
        return "offnet"
    if direction == "outbound":
        return "onnet" if peer and not rules.empty else "unknown"
    if not rules.empty:
        return "offnet" if context in rules.offnet_contexts else "onnet" if context else "unknown"
    if context in OUTSIDE_CONTEXTS:
        return "offnet"
    return "onnet" if context in INSIDE_CONTEXTS else "unknown"
