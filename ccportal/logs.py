"""Log lines that a caller's name cannot break or forge."""

from __future__ import annotations

import logging
import re
from typing import Any

NOT_PLAIN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def neutralise(text: str) -> str:
    """Escape control characters, line and direction marks and surrogates."""
    return NOT_PLAIN.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


class OneLineFormatter(logging.Formatter):
    """Keep a message on one line and begin no line of a traceback at the margin."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = neutralise(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        return indent_plainly(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:
        return indent_plainly(super().formatStack(stack_info))


def indent_plainly(text: str) -> str:
    """Indent every line, so that none can pass for an entry of its own."""
    return "\n".join("    " + neutralise(line) for line in text.split("\n"))
