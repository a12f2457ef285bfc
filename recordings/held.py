"""What is under a legal hold, and is not removed whoever or whatever asks.

Every path that removes puts ``held_recordings()`` or ``held_calls()`` into the statement that does it, inside
a transaction that has locked the account, as does who places a hold: of the two, one comes first.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat, Replace

from cdr.models import Call
from recordings.holds import HoldKind, LegalHold, LegalHoldQuerySet
from recordings.models import Recording


def held_recordings() -> Q:
    """Recordings that a hold keeps: their own flag, their call's, a number's or a period's."""
    call = ("call__caller_digits", "call__dialed_digits", "call__callee_digits")
    own = ("caller_number", "callee_number")
    return (
        Q(legal_hold=True)
        | Exists(standing().filter(kind=HoldKind.CALL, call=OuterRef("call_id")))
        | Exists(standing().filter(of_account(), in_period() | any_number([*call, *own])))
    )


def held_calls() -> Q:
    """Calls that a hold keeps, also one on a recording of theirs."""
    numbers = any_number(["caller_digits", "dialed_digits", "callee_digits"])
    return (
        Q(Exists(Recording.objects.filter(call=OuterRef("pk"), legal_hold=True)))
        | Q(Exists(standing().filter(kind=HoldKind.CALL, call=OuterRef("pk"))))
        | Q(Exists(standing().filter(of_account(), in_period() | numbers)))
    )


def keeping(call: Call) -> Q:
    """The standing holds that keep this very call or a recording of it."""
    digits = {text.replace("+", "") for text in (call.caller_digits, call.dialed_digits, call.callee_digits)}
    about = Q(begins_at__lte=call.started_at, ends_at__gt=call.started_at)
    for number in digits - {""}:
        about |= Q(forms__contains=f" {number} ")
    own = Q(call=call) | Q(recording__call=call)
    return Q(released_at=None) & (own | Q(about, account=call.account_id))


def standing() -> LegalHoldQuerySet:
    holds: LegalHoldQuerySet = LegalHold.objects.standing()
    return holds


def of_account() -> Q:
    return Q(account=OuterRef("account_id"))


def in_period() -> Q:
    when = OuterRef("started_at")
    return Q(kind=HoldKind.PERIOD, begins_at__lte=when, ends_at__gt=when)


def any_number(columns: list[str]) -> Q:
    """A number's hold whose forms have one of the columns among them."""
    found = Q()
    for column in columns:
        digits = Replace(OuterRef(column), Value("+"), Value(""))
        found |= Q(kind=HoldKind.NUMBER, forms__contains=Concat(Value(" "), digits, Value(" ")))
    return found
