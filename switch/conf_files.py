"""A FreeSWITCH configuration file as the switch would read it: includes and ``$${variables}`` put in.

Files are only read below one folder, programs are never run, and what was left out is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
COMMAND: Final = re.compile(
    r"<X-PRE-PROCESS\s+cmd\s*=\s*[\"'](?P<cmd>[^\"']*)[\"']\s+data\s*=\s*(?P<quote>[\"'])(?P<data>.*?)(?P=quote)\s*/?>",
    re.IGNORECASE,
)
WRAPPER: Final = re.compile(r"</?include\s*/?>|<\?xml[^>]*\?>", re.IGNORECASE)
VARIABLE: Final = re.compile(r"\$\$\{([^}]*)\}")
DEEPEST: Final = 8
MOST_FILES: Final = 1000
LARGEST: Final = 16 * 1024 * 1024


@dataclass(slots=True)
class ConfFiles:
    """Reads files below ``root``; ``complaints`` says what could not be taken."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    _files: int = 0
    _bytes: int = 0

    def read(self, path: Path, depth: int = 0) -> str:
        """Return a file's text, expanded."""
        text = self._text(path)
        text = COMMENT.sub("", text)
        parts: list[str] = []
        end = 0
        for command in COMMAND.finditer(text):
            parts.append(self._expanded(text[end : command.start()]))
            parts.append(self._run(path, command["cmd"].lower(), command["data"], depth))
            end = command.end()
        parts.append(self._expanded(text[end:]))
        return WRAPPER.sub("", "".join(parts))

    def _text(self, path: Path) -> str:
        if not path.resolve().is_relative_to(self.root.resolve()):
            self.complaints.append(f"{path}: outside of {self.root}, left out.")
            return ""
        self._files += 1
        try:
            self._bytes += path.stat().st_size
            if self._files > MOST_FILES or self._bytes > LARGEST:
                self.complaints.append(f"{path}: too many or too large files, left out.")
                return ""
            return path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            self.complaints.append(f"{path}: {error.strerror}.")
            return ""

    def _run(self, path: Path, command: str, data: str, depth: int) -> str:
        if command == "include":
            return self._include(path, self._expanded(data), depth)
        if command == "set" and "=" in data:
            name, _, value = self._expanded(data).partition("=")
            self.variables[name.strip()] = value.strip("'")
        else:
            self.complaints.append(f"{path}: {command} {data[:80]} is not carried out.")
        return ""

    def _include(self, path: Path, pattern: str, depth: int) -> str:
        """Put in files named relative to the one that asks, in the order of their names."""
        if depth >= DEEPEST:
            self.complaints.append(f"{path}: includes {pattern} too deeply, left out.")
            return ""
        relative = pattern.removeprefix(f"{self.root}/")
        if relative.startswith("/"):
            self.complaints.append(f"{path}: {pattern} is outside of {self.root}, left out.")
            return ""
        folder = self.root if relative != pattern else path.parent
        found = sorted(folder.glob(relative))
        if not found:
            self.complaints.append(f"{path}: nothing to include as {pattern}.")
        return "".join(self.read(one, depth + 1) for one in found)

    def _expanded(self, text: str) -> str:
        """Put variables in; one that nobody set stays as it is written."""
        return VARIABLE.sub(lambda found: self.variables.get(found[1], found[0]), text)
