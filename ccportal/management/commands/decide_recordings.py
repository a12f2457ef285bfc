"""Decide what of calls is recorded: JSON lines in, JSON lines out."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from policies.decide import decide
from policies.json_facts import facts_of, grants_as_json


class Command(BaseCommand):
    help = 'Reads {"id", "call"} a line on stdin, writes {"id", "grants"} a line on stdout.'
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        bad = 0
        for number, line in enumerate(sys.stdin, 1):
            if line.strip():
                answer = _answer(line)
                bad += "error" in answer
                if "error" in answer:
                    self.stderr.write(f"line {number}: {answer['error']}")
                self.stdout.write(json.dumps(answer, ensure_ascii=False))
        if bad:
            raise CommandError(f"{bad} lines could not be read")


def _answer(line: str) -> dict[str, Any]:
    try:
        asked = json.loads(line)
    except ValueError as error:
        return {"id": None, "error": f"not JSON: {error}"}
    if not isinstance(asked, dict) or not isinstance(asked.get("call"), dict):
        return {"id": None, "error": 'not an object with "id" and "call"'}
    return {"id": asked.get("id"), "grants": grants_as_json(decide(facts_of(asked["call"])))}
