"""Say, without a network, where requirements.lock no longer answers pyproject.toml."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def wanted() -> list[Requirement]:
    """Return what the project and its extras ask for."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = (line for lines in table["optional-dependencies"].values() for line in lines)
    return [Requirement(line) for line in (*table["dependencies"], *extras)]


def blocks(lock: str) -> dict[tuple[str, str], str]:
    """Return the lines of each pinned version."""
    found: dict[tuple[str, str], str] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", lock):
        if pin := PIN.match(block):
            found[canonicalize_name(pin[1]), pin[2]] = block
    return found


def faults(lock: str) -> list[str]:
    """Return one line for each thing that is wrong."""
    pinned = blocks(lock)
    found = ["it names an address"] if "://" in lock else []
    found += [
        f"{name}=={version} has no hash"
        for (name, version), block in pinned.items()
        if not HASH.search(block)
    ]
    for requirement in wanted():
        name = canonicalize_name(requirement.name)
        versions = [version for pin, version in pinned if pin == name]
        if not versions:
            found.append(f"{requirement} is not pinned")
        found += [
            f"{name}=={v} does not answer {requirement}" for v in versions if v not in requirement.specifier
        ]
    return found


def main() -> int:
    found = faults((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    for fault in found:
        sys.stderr.write(f"requirements.lock: {fault}; run make lock\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
