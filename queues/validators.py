"""What may be written into a queue or an agent: names, sounds and contacts reach a switch that expands them.

The switch runs ``${system(…)}`` in contacts, sounds and templates, puts its own variables in place of
``$${name}``, and drops a line with ``x-pre-process`` or ``<?``. What is refused here never reaches it.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any, Final

from django.core.exceptions import ValidationError

NAME: Final = re.compile(r"[A-Za-z0-9_.+@-]{1,128}")
PREPROCESSED: Final = re.compile(r"\$\$\{|x-pre-process|<\?|<include", re.IGNORECASE)
SOUND: Final = re.compile(r"[A-Za-z0-9_./:%(),;=+*@ -]+")
STREAMS: Final = ("local_stream", "tone_stream", "silence_stream", "phrase", "file_string")
TEMPLATE: Final = re.compile(r"/(?:[A-Za-z0-9_./@+-]|\$\{(?:[a-z_]+|strftime\([A-Za-z0-9%_./-]+\))\})+")
TEMPLATE_VARIABLES: Final = frozenset(
    ("uuid", "destination_number", "caller_id_number", "cc_queue", "cc_agent", "cc_member_uuid")
)
VARIABLE: Final = re.compile(r"\$\{([a-z_]+)\}")
RECORDING_FORMATS: Final = (".wav", ".mp3")
SETTING: Final = re.compile(r"[A-Za-z0-9_]+=[A-Za-z0-9_./:@+-]*")
ENDPOINT: Final = re.compile(
    r"user/[A-Za-z0-9_.+-]+(?:@[A-Za-z0-9_.:-]+)?"
    r"|group/[A-Za-z0-9_.+-]+(?:@[A-Za-z0-9_.:-]+)?"
    r"|loopback/[A-Za-z0-9_.*#+-]+(?:/[A-Za-z0-9_.-]+)?"
    r"|sofia/gateway/[A-Za-z0-9_.:-]+/[A-Za-z0-9_.*#+-]+"
    r"|sofia/[A-Za-z0-9_.:-]+/[A-Za-z0-9_.+-]+[@%][A-Za-z0-9_.:-]+"
    r"|verto\.rtc/[A-Za-z0-9_.+-]+(?:@[A-Za-z0-9_.:-]+)?"
)
DOMAIN: Final = re.compile(r"[@%]([A-Za-z0-9_.-]+)")
RUN_BY_THE_SWITCH: Final = ("execute_on_", "api_", "bridge_pre_execute", "exec_after", "session_in_hangup")
LOOPBACK_APP: Final = re.compile(r"loopback/app[=:]", re.IGNORECASE)
SETTINGS: Final = frozenset(
    (
        "odbc-dsn",
        "dbname",
        "reserve-agents",
        "cc-instance-id",
        "global-database-lock",
        "agent-originate-timeout",
        "debug",
    )
)


def validate_plain(value: str) -> None:
    """Refuse what the switch would read as something else before it reads it as a value."""
    if PREPROCESSED.search(value) or not value.isprintable():
        raise ValidationError(
            "Write it without $${…}, x-pre-process, <?, <include and control characters: "
            "the switch would not take it as text.",
            code="preprocessed",
        )


def validate_switch_name(value: str) -> None:
    """Refuse a name that cannot stand in a command and in an address."""
    validate_plain(value)
    if not NAME.fullmatch(value):
        raise ValidationError(
            "Up to 128 letters, digits and _ . + @ - are allowed in a name that a switch is given.",
            code="switch_name",
        )


def validate_sound(value: str) -> None:
    """Refuse what is neither a file of the switch nor one of its own streams."""
    validate_plain(value)
    scheme, colon, _ = value.partition(":")
    if not SOUND.fullmatch(value) or ".." in value or (colon and scheme not in STREAMS):
        raise ValidationError(
            "Write a sound file of the switch, or local_stream://…, tone_stream://…, silence_stream://…, "
            "phrase:…; variables are not allowed.",
            code="sound",
        )


def validate_record_template(value: str) -> None:
    """Refuse a template with other variables than those a name is made of, or outside its folder."""
    validate_plain(value)
    variables = set(VARIABLE.findall(value))
    right = TEMPLATE.fullmatch(value) and variables <= TEMPLATE_VARIABLES
    if not right or ".." in PurePosixPath(value).parts or not value.endswith(RECORDING_FORMATS):
        raise ValidationError(
            "Write an absolute path that ends in .wav or .mp3, with no other variables than "
            f"${{strftime(…)}} and {', '.join(sorted(TEMPLATE_VARIABLES))}.",
            code="record_template",
        )


def validate_contact(value: str) -> None:
    """Refuse anything but endpoints to ring, each with settings that the switch does not run."""
    validate_plain(value)
    if not all(is_endpoint(part) for part in split_contact(value)):
        raise ValidationError(
            "Write whom to ring, such as user/1001@example.com or [leg_timeout=10]sofia/gateway/GW/5551234; "
            "variables and settings that the switch would run are not allowed.",
            code="contact",
        )


def domains_in(contact: str) -> set[str]:
    """The domains behind an @ in a contact."""
    return {found.lower() for found in DOMAIN.findall(contact)}


def split_contact(value: str) -> list[str]:
    """The endpoints of a contact; a comma between brackets belongs to the settings."""
    return re.split(r"[,|](?![^\[{]*[\]}])", value)


def is_endpoint(part: str) -> bool:
    settings, endpoint = split_settings(part)
    return (
        settings is not None
        and all(is_setting(setting) for setting in settings)
        and ENDPOINT.fullmatch(endpoint) is not None
        and LOOPBACK_APP.match(endpoint) is None
    )


def split_settings(part: str) -> tuple[list[str] | None, str]:
    """The settings before an endpoint, None when they are not closed, and the endpoint."""
    for opening, closing in ("[]", "{}"):
        if part.startswith(opening):
            inner, found, rest = part[1:].partition(closing)
            return (inner.split(",") if found else None), rest
    return [], part


def is_setting(text: str) -> bool:
    return SETTING.fullmatch(text) is not None and not text.lower().startswith(RUN_BY_THE_SWITCH)


def validate_module_settings(value: Any) -> None:
    """Refuse anything but settings that mod_callcenter knows, with plain values."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ValidationError('Write settings as {"dbname": "…"}.', code="settings")
    for name, text in value.items():
        if name not in SETTINGS:
            raise ValidationError(f"{name!r} is none of {', '.join(sorted(SETTINGS))}.", code="settings")
        validate_plain(text)
