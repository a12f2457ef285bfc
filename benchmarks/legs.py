"""A tenant's year of calls with a leg each, on either database."""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from accounts.models import Account, Role, Switch, User
from benchmarks.many_calls import fill, insert
from cdr.models import Call, Leg

LEG_COLUMNS = {
    "id": "gen_random_uuid()",
    "call_id": "id",
    "uuid": "leg_uuid",
    "direction": "CASE WHEN direction = 'outbound' THEN 'outbound' ELSE 'inbound' END",
    "destination_number": "dialed_number",
    "final_destination_number": "dialed_number",
    "created_at": "started_at",
} | {
    name: name
    for name in (
        "account_id",
        "switch_id",
        "caller_number",
        "caller_name",
        "callee_number",
        "answered_at",
        "ended_at",
        "hangup_cause",
        "duration_ms",
        "duration",
        "billsec",
    )
}
SERIES = """(
    WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < %(calls)s)
    SELECT n, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '-' || (n * 31) || ' seconds') || '000' AS at
    FROM counted
)"""
ON_SQLITE = {
    Call: {
        "id": "lower(hex(randomblob(16)))",
        "account_id": "%(account)s",
        "switch_id": "%(switch)s",
        "leg_uuid": "'leg-' || n",
        "direction": "'inbound'",
        "outcome": "'answered'",
        "hangup_cause": "'NORMAL_CLEARING'",
        "started_at": "at",
        "answered_at": "at",
        "ended_at": "at",
        "caller_number": "'010' || n",
        "caller_name": "'Caller ' || n",
        "callee_number": "'1001'",
        "dialed_number": "'07070063000'",
        "queue_name": "'3000@default'",
        "agent_name": "'1001'",
        "duration": "n %% 600",
        "billsec": "n %% 600",
        "talk_ms": "n %% 600000",
    },
    Leg: {**LEG_COLUMNS, "id": "lower(hex(randomblob(16)))"},
}


def fill_with_legs(calls: int) -> User:
    """Make so many calls of one tenant, each with its first leg; return the tenant's administrator."""
    if connection.vendor == "postgresql":
        admin = fill(calls)
        insert(Leg, LEG_COLUMNS, "cdr_call WHERE account_id = %(account)s", {"account": admin.account_id})
    else:
        admin = fill_sqlite(calls)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    return admin


def fill_sqlite(calls: int) -> User:
    account = Account.objects.create(name=f"Measured {timezone.now():%H%M%S}", time_zone="Asia/Seoul")
    switch = Switch.objects.create(name="measured")
    asked = {"account": account.pk.hex, "switch": switch.pk.hex, "calls": calls}
    insert(Call, ON_SQLITE[Call], SERIES, asked)
    insert(Leg, ON_SQLITE[Leg], "cdr_call WHERE account_id = %(account)s", {"account": account.pk.hex})
    return User.objects.create_user(
        "a@measured.example", None, account=account, username="a", role=Role.ADMIN
    )
