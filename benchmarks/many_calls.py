"""A tenant's year of calls, made by the database itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import connection, models
from django.utils import timezone

from accounts.models import Account, Role, Switch, User
from cdr.models import Call
from queues.models import Agent, Queue
from recordings.models import Recording

DAYS, RECORDED_DAYS = 365, 60
QUEUES, AGENTS, CALLERS = 50, 500, 200_000
OTHER_TENANT = 5  # one call in so many more is another tenant's

# Queues and agents are taken unevenly (random() squared), as a call centre's are.
DRAWN_CALLS = """(
    SELECT *, talked_luck < 0.8 AS talked,
        CASE WHEN talked_luck < 0.8 THEN floor(random() * 600000)::int ELSE 0 END AS talk,
        CASE WHEN way_luck < 0.7 THEN 'inbound' WHEN way_luck < 0.9 THEN 'outbound' ELSE 'internal' END AS way
    FROM (
        SELECT %(until)s::timestamptz - random() * %(days)s * interval '1 day' AS started,
            random() AS way_luck, random() AS talked_luck, random() AS luck, random() AS name_luck,
            floor(random() * 90000)::int AS wait,
            '010' || lpad((floor(random() * %(callers)s)::bigint * 499 %% 100000000)::text, 8, '0') AS caller,
            '0707006' || lpad(floor(random() * 300)::text, 4, '0') AS dialed,
            3000 + floor(random() ^ 2 * %(queues)s)::int || '@default' AS queue,
            (1000 + floor(random() ^ 2 * %(agents)s)::int)::text AS agent
        FROM generate_series(1, %(calls)s)
    ) AS drawn
) AS told"""

OUTCOME = """CASE
    WHEN talked THEN 'answered'
    WHEN way = 'inbound' THEN
        (ARRAY['abandoned', 'abandoned', 'timed_out', 'no_agent'])[1 + floor(luck * 4)::int]
    ELSE (ARRAY['no_answer', 'busy', 'cancelled', 'failed'])[1 + floor(luck * 4)::int]
END"""

# One in three callers has no name; the others have one of 64,000, taken unevenly.
SYLLABLES = "('{an,ber,cor,da,el,fin,ga,hol,in,ja,ko,lin,mar,ni,or,per,qui,ro,san,tu}'::text[])"
CALLER_NAME = f"""CASE WHEN name_luck < 0.3 THEN '' ELSE initcap(
    {SYLLABLES}[1 + floor(name_luck ^ 3 * 20)::int] || {SYLLABLES}[1 + floor(luck * 20)::int] || ' '
    || {SYLLABLES}[1 + floor(talked_luck * 20)::int] || {SYLLABLES}[1 + floor(way_luck * 20)::int]
    || {SYLLABLES}[1 + wait %% 20]) END"""

CALL_COLUMNS = {
    "id": "gen_random_uuid()",
    "account_id": "%(account)s",
    "switch_id": "%(switch)s",
    "leg_uuid": "gen_random_uuid()::text",
    "started_at": "started",
    "answered_at": "CASE WHEN talked THEN started + wait * interval '1 millisecond' END",
    "ended_at": "started + (wait + talk) * interval '1 millisecond'",
    "direction": "way",
    "outcome": OUTCOME,
    "hangup_cause": "CASE WHEN talked THEN 'NORMAL_CLEARING' ELSE 'ORIGINATOR_CANCEL' END",
    "caller_number": "caller",
    "caller_name": CALLER_NAME,
    "caller_digits": "caller",
    "dialed_number": "dialed",
    "dialed_digits": "dialed",
    "callee_number": "CASE WHEN talked THEN agent ELSE '' END",
    "callee_digits": "CASE WHEN talked THEN agent ELSE '' END",
    "queue_name": "CASE WHEN way = 'inbound' THEN queue ELSE '' END",
    "agent_name": "CASE WHEN talked THEN agent ELSE '' END",
    "wait_ms": "wait",
    "talk_ms": "talk",
    "duration_ms": "wait + talk",
    "duration": "(wait + talk) / 1000",
    "billsec": "talk / 1000",
    "leg_count": "2",
    "recording_count": "(talked AND luck < 0.9)::int",
}

RECORDED_CALLS = "cdr_call WHERE recording_count > 0 AND started_at > %(since)s"
RECORDING_COLUMNS = {
    "id": "gen_random_uuid()",
    "call_id": "id",
    "path": "'/recordings/' || leg_uuid || '.wav'",
    "origin": "'queue'",
    "state": "'ready'",
    "started_at": "answered_at",
    "stopped_at": "ended_at",
    "stop_leg_uuid": "leg_uuid",
} | {
    name: name
    for name in (
        "account_id",
        "switch_id",
        "leg_uuid",
        "queue_name",
        "agent_name",
        "caller_number",
        "caller_name",
        "callee_number",
        "direction",
    )
}


def fill(calls: int) -> User:
    """Make so many calls of one tenant over a year, some of another; return the tenant's administrator."""
    switch = Switch.objects.create(name="measured")
    account = Account.objects.create(name="Measured", country="KR", time_zone="Asia/Seoul")
    other = Account.objects.create(name="Another", country="KR")
    admin = User.objects.create_user(
        "admin@measured.example", None, account=account, username="admin", role=Role.ADMIN
    )
    Queue.objects.bulk_create(Queue(account=account, name=f"{3000 + n}@default") for n in range(QUEUES))
    Agent.objects.bulk_create(Agent(account=account, name=f"{1000 + n}") for n in range(AGENTS))
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.42)")
    insert(Call, CALL_COLUMNS, DRAWN_CALLS, values(account, switch, calls))
    insert(Call, CALL_COLUMNS, DRAWN_CALLS, values(other, switch, calls // OTHER_TENANT))
    since = timezone.now() - timedelta(days=RECORDED_DAYS)
    insert(Recording, RECORDING_COLUMNS, RECORDED_CALLS, {"since": since})
    with connection.cursor() as cursor:
        for model in (Call, Recording, Queue, Agent):
            cursor.execute(f'VACUUM ANALYZE "{model._meta.db_table}"')
    return admin


def insert(
    model: type[models.Model], columns: Mapping[str, str], source: str, asked: Mapping[str, Any]
) -> None:
    """Insert what is selected from the source; columns that are not named get the model's default."""
    others = {
        field.column: field
        for field in model._meta.concrete_fields
        if field.column not in columns and not field.generated
    }
    defaults = {
        f"default_{name}": field.get_db_prep_save(field.get_default(), connection)
        for name, field in others.items()
    }
    names = ", ".join(f'"{name}"' for name in (*columns, *others))
    selected = ", ".join((*columns.values(), *(f"%({name})s" for name in defaults)))
    statement = f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {selected} FROM {source}'  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, {**asked, **defaults})


def values(account: Account, switch: Switch, calls: int) -> dict[str, Any]:
    return {
        "account": account.pk,
        "switch": switch.pk,
        "until": timezone.now() - timedelta(minutes=1),
        "days": DAYS,
        "callers": CALLERS,
        "queues": QUEUES,
        "agents": AGENTS,
        "calls": calls,
    }
