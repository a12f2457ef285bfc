"""A number as it may stand anywhere: in columns, in names of files, in text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.crypto import salted_hmac

from accounts.numbers import digits_of, same_digits
from cdr.search import number_forms

SHORTEST = 3
BETWEEN_DIGITS = r"[\s()./-]{0,3}"
ERASED = "[erased]"


class NotANumber(ValueError):
    """What was given has too few digits to be one."""


@dataclass(frozen=True)
class Sought:
    """A number in all ways in which a switch, a person or a file may have written it."""

    number: str
    country: str

    def __post_init__(self) -> None:
        if len(digits_of(self.number)) < SHORTEST:
            raise NotANumber(f"A number has at least {SHORTEST} digits.")

    @cached_property
    def canonical(self) -> str:
        return same_digits(self.number, self.country)

    @cached_property
    def forms(self) -> frozenset[str]:
        """Digits only."""
        told = number_forms(self.number, self.country)
        read = number_forms(f"+{self.canonical}", self.country)
        return frozenset({digits for digits in (*told, *read, self.canonical) if len(digits) >= SHORTEST})

    @cached_property
    def written(self) -> list[str]:
        """The forms as columns may have them."""
        return sorted({start + digits for digits in self.forms for start in ("", "+", "00")})

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The number in text, with signs between its digits or without."""
        forms = sorted(self.forms, key=len, reverse=True)
        texts = "|".join(BETWEEN_DIGITS.join(digits) for digits in forms)
        return re.compile(rf"(?<![0-9])(?:\+|00)?(?:{texts})(?![0-9])")

    def is_in(self, *texts: str) -> bool:
        return any(self.pattern.search(text) for text in texts if text)

    def is_one_of(self, *numbers: str) -> bool:
        """Whether one of these columns is the number."""
        return any(digits_of(number) in self.forms or number in self.written for number in numbers if number)

    def is_in_json(self, value: Any) -> bool:
        return self.is_in(json.dumps(value, ensure_ascii=False))

    def without(self, value: Any) -> Any:
        """The same value with the number taken out of every text."""
        if isinstance(value, str):
            return self.pattern.sub(ERASED, value)
        if isinstance(value, list):
            return [self.without(each) for each in value]
        if isinstance(value, dict):
            return {name: self.without(each) for name, each in value.items()}
        return value

    def key(self, account_hex: str) -> str:
        """What tells the number again who has it, and cannot be turned back without the server's secret."""
        return salted_hmac("erasure", f"{account_hex}:{self.canonical}", algorithm="sha256").hexdigest()

    def same_as(self, other: str) -> bool:
        return len(digits_of(other)) >= SHORTEST and same_digits(other, self.country) == self.canonical
