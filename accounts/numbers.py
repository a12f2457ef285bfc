"""Phone numbers as they are compared, however they are written."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

NOT_DIGITS = re.compile("[^0-9]+")
LONGEST_DIGITS = 32
LONGEST_NUMBER_READ = 64
MOST_NUMBERS_KEPT = 65_536


def digits_of(number: str) -> str:
    """The ASCII digits of a number as anyone may write it, at most 32."""
    return NOT_DIGITS.sub("", number)[:LONGEST_DIGITS]


@lru_cache(maxsize=MOST_NUMBERS_KEPT)
def same_digits(number: str, country: str) -> str:
    """The digits that a number has however it is written in the country: a public one with its code.

    What is no public number, such as an extension, has its own digits.
    """
    digits = digits_of(number)
    if len(number) > LONGEST_NUMBER_READ or not digits:
        return digits
    for text in (number, f"+{digits}"):
        try:
            parsed = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return digits_of(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    return digits
