"""What the admin's pages show of a target: its matrix, its layers, and what a call would do now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import Account, Device, User
from policies.change import document_of, documents_of, schema_for
from policies.decide import Decision, decide
from policies.json_facts import facts_of
from policies.matrix import Flat, Matrix, Page, Place, changed, changes_of, flat
from policies.models import Target
from policies.schema import Problems, unsafe_urls, validate
from policies.settings import CELLS, Settings, account_settings, endpoint_settings

MOST_DEVICES = 50
KINDS: dict[str, type[Target]] = {"account": Account, "phones": Account, "user": User, "device": Device}
HALVES = {"account": "account", "phones": "endpoint"}
ROW_WORDS = {
    "account": {
        "inbound": "Where a call comes from",
        "outbound": "Where it goes",
        "any": "Either",
    },
    "phones": {"inbound": "Calls to a phone", "outbound": "Calls by a phone", "any": "To or by"},
    "user": {"inbound": "Calls to {name}", "outbound": "Calls by {name}", "any": "To or by"},
    "device": {"inbound": "Calls to {name}", "outbound": "Calls by {name}", "any": "To or by"},
}
INTRODUCTIONS = {
    "account": "Which calls the account records, whoever takes them. Where a call comes from is looked at "
    "first: what the upper row says counts. Where it says nothing, the lower row does. "
    "What single phones record comes on top: see Default of all phones.",
    "phones": "What every phone of the account records unless its person or the phone decides otherwise.",
    "user": "What {name}'s phones record. A choice left on Inherit takes the default of all phones; a device "
    "of theirs may still decide otherwise. The account's own recording is apart from this.",
    "device": "What this phone records. A choice left on Inherit takes its person's, then the default of all "
    "phones. The account's own recording is apart from this.",
}


@dataclass(frozen=True)
class Subject:
    """Whose recording a page is about; ``kind`` is account, phones, user or device."""

    kind: str
    target: Any

    @property
    def account(self) -> Account | None:
        found: Account | None = self.target if isinstance(self.target, Account) else self.target.account
        return found

    @property
    def user(self) -> User | None:
        if isinstance(self.target, User):
            return self.target
        return self.target.owner if isinstance(self.target, Device) else None

    @property
    def half(self) -> str:
        return HALVES.get(self.kind, "")

    @property
    def name(self) -> str:
        return "Default of all phones" if self.kind == "phones" else str(self.target)

    @property
    def introduction(self) -> str:
        return INTRODUCTIONS[self.kind].format(name=self.target)

    @property
    def url(self) -> str:
        return url_of(self.kind, self.target)

    def part(self, document: Any) -> Any:
        return (document or {}).get(self.half, {}) if self.half else document or {}

    def whole(self, document: Any, part: Any) -> dict[str, Any] | None:
        """The target's document with the part in its place; None when it says nothing."""
        if not self.half:
            return part or None
        kept = {key: value for key, value in (document or {}).items() if key != self.half}
        return kept | ({self.half: part} if part else {}) or None

    def settings(self, document: Any) -> Settings:
        """What is in force for the target if its document were this one."""
        if self.kind == "account":
            return account_settings(document)
        if self.kind == "phones":
            return endpoint_settings(None, None, document)
        account = document_of(self.account)
        if self.kind == "user":
            return endpoint_settings(None, document, account)
        return endpoint_settings(document, document_of(self.user), account)

    @property
    def page(self) -> Page:
        layers = {
            "account": "the account",
            "phones": "the account",
            "user": "the user",
            "device": "the device",
        }
        rows = {key: text.format(name=self.target) for key, text in ROW_WORDS[self.kind].items()}
        prefix = f"{self.half}." if self.half else ""
        return Page(layers[self.kind], prefix, rows, self.places(), rings=self.kind != "account")

    def places(self) -> dict[str, Place]:
        found = {"the account": Place("the default of all phones", url_of("phones", self.account))}
        if self.kind == "device" and self.user:
            found["the user"] = Place(str(self.user), url_of("user", self.user))
        return found

    def steps(self) -> list[tuple[str, str, bool]]:
        """The layers from the account down: name, page, and whether it is this one."""
        chain: list[tuple[str, Any]] = [("account", self.account), ("phones", self.account)]
        chain += [("user", self.user)] if self.user else []
        chain += [("device", self.target)] if self.kind == "device" else []
        return [
            (self.short(kind, target), url_of(kind, target), kind == self.kind)
            for kind, target in chain
            if target is not None
        ]

    def short(self, kind: str, target: Any) -> str:
        return {"account": "Account", "phones": "Default of all phones"}.get(kind, str(target))

    def devices(self) -> QuerySet[Device]:
        owned = Device.objects.filter(owner=self.target) if self.kind == "user" else Device.objects.none()
        return owned.order_by("name")[:MOST_DEVICES]

    def exceptions(self) -> list[tuple[Device, str, list[str]]]:
        """The person's devices that decide by themselves: device, its page, and what it decides."""
        devices = list(self.devices())
        documents = documents_of(devices)
        return [
            (device, url_of("device", device), decided)
            for device in devices
            if (decided := decisions_of(documents.get(device.pk)))
        ]


CALLS = {
    "inbound.offnet": "calls from outside",
    "inbound.onnet": "calls from inside",
    "outbound.offnet": "calls to outside",
    "outbound.onnet": "calls to inside",
}


def decisions_of(document: Any) -> list[str]:
    settings = endpoint_settings(document, None, None)
    cells = [settings.cells[name] for name in CELLS]
    return [
        f"{'records' if cell.enabled else 'does not record'} {CALLS[cell.name]}"
        for cell in cells
        if "enabled" in cell.sources
    ]


PRESETS = {
    "all": ("every call", CELLS),
    "outside": ("calls with the outside", ("inbound.offnet", "outbound.offnet")),
}


def preset_of(subject: Subject, name: str) -> dict[str, str] | None:
    """What a form would send that records so, on top of what is stored; None when nobody asks."""
    if name not in PRESETS:
        return None
    _, cells = PRESETS[name]
    base = json.dumps(subject.part(document_of(subject.target)))
    return {"base": base, **{f"{cell}.enabled": "on" for cell in cells}}


def url_of(kind: str, target: Any) -> str:
    return reverse(f"admin:policies_{kind}", args=[target.pk.hex]) if target else ""


@dataclass(frozen=True)
class Draft:
    """A target's document as it is, and as a form would make it."""

    subject: Subject
    stored: Any
    base: Any
    changes: Flat
    document: Any
    problems: Problems

    @classmethod
    def of(cls, subject: Subject, posted: Mapping[str, Any] | None = None, *, look_up: bool = True) -> Draft:
        """Lay a sent form over what is stored now; urls that are new are looked up, which takes a while."""
        stored = document_of(subject.target)
        base = subject.part(stored) if posted is None else read_base(posted.get("base", ""))
        changes = {} if posted is None else changes_of(base, posted)
        part = changed(subject.part(stored), changes) if changes else subject.part(stored)
        document = subject.whole(stored, part)
        if not changes:
            return cls(subject, stored, base, changes, document, {})
        return cls(subject, stored, base, changes, *checked(subject, document, changes if look_up else {}))

    @property
    def matrix(self) -> Matrix:
        subject = self.subject
        return Matrix(
            page=subject.page,
            part=subject.part(self.document),
            before=self.base,
            now=subject.settings(self.document),
            then=subject.settings(self.stored),
            problems=self.problems,
            typed=self.changes,
        )

    @property
    def base_as_text(self) -> str:
        return json.dumps(self.base)

    def decision(self, facts: Mapping[str, Any]) -> Decision:
        """What would be recorded of a call of the target, with the changes that are not saved."""
        return decide(facts_of(self.facts(facts)))

    def facts(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        subject = self.subject
        account = self.document if subject.half else document_of(subject.account)
        user = self.document if subject.kind == "user" else document_of(subject.user)
        endpoint = {"device": self.document if subject.kind == "device" else None, "user": user}
        role = asked.get("try_role", "rings")
        return {
            "from": asked.get("try_from", "offnet"),
            "to": asked.get("try_to", "onnet"),
            "account": account,
            "caller": endpoint if role == "calls" else None,
            "callees": [endpoint] if role == "rings" else [],
        }


def read_base(text: Any) -> Any:
    """The document that a form was made from; one that cannot be read differs in everything."""
    try:
        base = json.loads(str(text))
    except (ValueError, RecursionError):
        return {}
    return base if isinstance(base, dict) and len(flat(base)) <= 1000 else {}


def checked(subject: Subject, document: Any, changes: Flat) -> tuple[Any, Problems]:
    stored, problems = validate(document or {}, schema_for(subject.target))
    urls = {
        f"{subject.page.prefix}{direction}.{network}": {"url": value}
        for (direction, network, name), value in changes.items()
        if name == "url" and value
    }
    return stored or None, unsafe_urls(urls) | problems


def editor_context(draft: Draft, *, wide: bool = False) -> dict[str, Any]:
    """What the matrix's template needs, on its own page and on the page of the thing."""
    matrix = draft.matrix
    rows = matrix.rows(wide=wide)
    return {
        "draft": draft,
        "subject": draft.subject,
        "rows": rows,
        "boxes": [box for _, _, boxes in rows for box in boxes],
        "columns": [(box.name.partition(".")[2], box.column) for box in rows[0][2]],
        "wide": wide or matrix.with_any,
    }
