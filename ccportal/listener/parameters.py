"""How to reach a switch: from its row, or from the copy beside the journal while the database is away."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import msgspec

from accounts.models import Switch, SwitchKind
from switch.esl.connection import Address
from switch.journal import journal_path


class Parameters(msgspec.Struct, frozen=True):
    """What a listener must know of its switch."""

    id: str
    name: str
    host: str
    port: int
    password: str
    kind: str = SwitchKind.FREESWITCH.value

    def __repr__(self) -> str:
        return f"Parameters({self.name!r} at {self.host}:{self.port})"

    @classmethod
    def of(cls, switch: Switch) -> Parameters:
        return cls(switch.pk.hex, switch.name, switch.host, switch.port, switch.password, switch.kind)

    @property
    def address(self) -> Address:
        return Address(self.host, self.port, self.password)


def copy_path(folder: Path, switch_id: str) -> Path:
    """Return where the copy of a switch's parameters lies."""
    return journal_path(folder, switch_id).with_suffix(".connection.json")


def keep_copy(folder: Path, parameters: Parameters) -> None:
    """Keep a copy that only its owner can read; an unchanged one is left alone."""
    if load_copy(folder, parameters.id) == parameters:
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = copy_path(folder, parameters.id)
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(parameters))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def load_copy(folder: Path, switch_id: str) -> Parameters | None:
    """Return the copy, None without a readable one."""
    try:
        return msgspec.json.decode(copy_path(folder, switch_id).read_bytes(), type=Parameters)
    except (OSError, msgspec.DecodeError):
        return None


def load_copies(folder: Path) -> list[Parameters]:
    """Return all copies in a folder."""
    names = (path.name.removesuffix(".connection.json") for path in sorted(folder.glob("*.connection.json")))
    return [copy for name in names if (copy := load_copy(folder, name)) is not None]
