"""Documents that a FreeSWITCH takes from us, by mod_xml_curl or as a file.

The switch preprocesses what it gets, line by line: ``$${name}`` becomes one of its variables, a line with
``x-pre-process`` is run or dropped, one with ``<?`` or ``<include`` is dropped. So no element shares its line
with another, and no value can show these signs, whatever is in it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from switch.callcenter_conf import Configuration, Values

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)
DOLLARS: Final = re.compile(r"\$(?=\$)")
PREPROCESS: Final = re.compile("x(?=-pre-process)", re.IGNORECASE)
FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
AGENT_ATTRIBUTES: Final = (
    "type",
    "contact",
    "max-no-answer",
    "wrap-up-time",
    "reject-delay-time",
    "busy-delay-time",
    "no-answer-delay-time",
)
TIER_ATTRIBUTES: Final = ("level", "position")
DIAL_STRING: Final = (
    "{^^:sip_invite_domain=${dialed_domain}:presence_id=${dialed_user}@${dialed_domain}}"
    "${sofia_contact(*/${dialed_user}@${dialed_domain})}"
)


def escaped(value: str) -> str:
    """Return a value as it may stand between quotes; but for control characters it is read back as it was."""
    text = FORBIDDEN.sub("", value).translate(ESCAPES)
    text = DOLLARS.sub("&#36;", text)
    return PREPROCESS.sub(lambda found: f"&#{ord(found[0])};", text)


def element(name: str, values: Mapping[str, str], end: str = "/>") -> str:
    """Return a tag on a line of its own."""
    attributes = "".join(f' {key}="{escaped(value)}"' for key, value in values.items())
    return f"<{name}{attributes}{end}"


def document(section: str, lines: Iterable[str]) -> str:
    """Return lines as an answer for one section."""
    head = (DECLARATION, '<document type="freeswitch/xml">', element("section", {"name": section}, ">"))
    return "\n".join([*head, *lines, "</section>", "</document>", ""])


NOT_FOUND: Final = document("result", [element("result", {"status": "not found"})])


def callcenter_lines(configuration: Configuration) -> list[str]:
    """Return callcenter.conf; agents have no status there, for the switch would set it at every reload."""
    return [
        element("configuration", {"name": "callcenter.conf", "description": "CallCenter"}, ">"),
        "<settings>",
        *params(configuration.settings),
        "</settings>",
        "<queues>",
        *(line for name, values in configuration.queues.items() for line in queue_lines(name, values)),
        "</queues>",
        "<agents>",
        *(element("agent", agent_values(name, values)) for name, values in configuration.agents.items()),
        "</agents>",
        "<tiers>",
        *(element("tier", tier_values(pair, values)) for pair, values in configuration.tiers.items()),
        "</tiers>",
        "</configuration>",
    ]


def params(values: Mapping[str, str]) -> list[str]:
    return [element("param", {"name": name, "value": value}) for name, value in values.items()]


def queue_lines(name: str, values: Values) -> list[str]:
    return [element("queue", {"name": name}, ">"), *params(values), "</queue>"]


def agent_values(name: str, values: Values) -> Values:
    return {"name": name} | {key: values[key] for key in AGENT_ATTRIBUTES if key in values}


def tier_values(pair: tuple[str, str], values: Values) -> Values:
    queue, agent = pair
    return {"agent": agent, "queue": queue} | {key: values[key] for key in TIER_ATTRIBUTES if key in values}


def directory_lines(domain: str, user: str, parameters: Values, variables: Values) -> list[str]:
    """Return one user of a domain."""
    return [
        element("domain", {"name": domain}, ">"),
        "<params>",
        *params({"dial-string": DIAL_STRING}),
        "</params>",
        "<groups>",
        element("group", {"name": "default"}, ">"),
        "<users>",
        element("user", {"id": user}, ">"),
        "<params>",
        *params(parameters),
        "</params>",
        "<variables>",
        *(element("variable", {"name": name, "value": value}) for name, value in variables.items()),
        "</variables>",
        "</user>",
        "</users>",
        "</group>",
        "</groups>",
        "</domain>",
    ]
