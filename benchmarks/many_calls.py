"""A tenant's year of calls, made by the database itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Account, Role, Switch, User
from cdr.models import Call
from queues.models import Agent, Queue
from recordings.models import Recording

DAYS, RECORDED_DAYS = 365, 60
QUEUES, AGENTS, CALLERS = 50, 500, 200_000
OTHER_TENANT = 5  # one call in so many more is another tenant's

# Queues and agents are taken unevenly (random() squared), as a call centre's are.
FILL = """
INSERT INTO cdr_call (
    id, account_id, switch_id, assigned, leg_uuid, started_at, answered_at, ended_at, direction, outcome,
    hangup_cause, caller_number, caller_name, caller_digits, dialed_number, dialed_digits,
    callee_number, callee_name, callee_digits, queue_name, agent_name, wait_ms, talk_ms, hold_ms,
    duration_ms, duration, billsec, leg_count, recording_count)
SELECT gen_random_uuid(), %(account)s, %(switch)s, false, gen_random_uuid()::text, started,
    CASE WHEN talked THEN started + wait * interval '1 millisecond' END,
    started + (wait + talk) * interval '1 millisecond',
    way, CASE WHEN talked THEN 'answered' WHEN way = 'inbound' THEN
        (ARRAY['abandoned', 'abandoned', 'timed_out', 'no_agent'])[1 + floor(luck * 4)::int]
        ELSE (ARRAY['no_answer', 'busy', 'cancelled', 'failed'])[1 + floor(luck * 4)::int] END,
    CASE WHEN talked THEN 'NORMAL_CLEARING' ELSE 'ORIGINATOR_CANCEL' END,
    caller, 'Caller ' || caller, caller, dialed, dialed,
    CASE WHEN talked THEN agent ELSE '' END, '', CASE WHEN talked THEN agent ELSE '' END,
    CASE WHEN way = 'inbound' THEN queue ELSE '' END, CASE WHEN talked THEN agent ELSE '' END,
    wait, talk, 0, wait + talk, (wait + talk) / 1000, talk / 1000, 2, (talked AND luck < 0.9)::int
FROM (
    SELECT *, talked_luck < 0.8 AS talked,
        CASE WHEN talked_luck < 0.8 THEN floor(random() * 600000)::int ELSE 0 END AS talk,
        CASE WHEN way_luck < 0.7 THEN 'inbound' WHEN way_luck < 0.9 THEN 'outbound' ELSE 'internal' END AS way
    FROM (
        SELECT %(until)s::timestamptz - random() * %(days)s * interval '1 day' AS started,
            random() AS way_luck, random() AS talked_luck, random() AS luck,
            floor(random() * 90000)::int AS wait,
            '010' || lpad((floor(random() * %(callers)s)::bigint * 499 %% 100000000)::text, 8, '0') AS caller,
            '0707006' || lpad(floor(random() * 300)::text, 4, '0') AS dialed,
            3000 + floor(random() ^ 2 * %(queues)s)::int || '@default' AS queue,
            (1000 + floor(random() ^ 2 * %(agents)s)::int)::text AS agent
        FROM generate_series(1, %(calls)s)
    ) AS drawn
) AS told
"""

FILL_RECORDINGS = """
INSERT INTO recordings_recording (
    id, account_id, switch_id, call_id, leg_uuid, stop_leg_uuid, conference_name, path, take, overwritten,
    origin, state, state_reason, state_at, finding, attempts, started_at, stopped_at, completion_cause,
    queue_name, agent_name, caller_number, caller_name, callee_number, direction,
    grants, tags, masked, legal_hold, source_path, source_kept)
SELECT gen_random_uuid(), account_id, switch_id, id, leg_uuid, leg_uuid, '', '/rec/' || leg_uuid || '.wav',
    1, false, 'queue', 'ready', '', ended_at, '', 0, answered_at, ended_at, '',
    queue_name, agent_name, caller_number, caller_name, callee_number, direction,
    '[]', '[]', '[]', false, '', false
FROM cdr_call WHERE recording_count > 0 AND started_at > %(since)s
"""


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
        for owner, number in ((account, calls), (other, calls // OTHER_TENANT)):
            cursor.execute(FILL, values(owner, switch, number))
        cursor.execute(FILL_RECORDINGS, {"since": timezone.now() - timedelta(days=RECORDED_DAYS)})
        for model in (Call, Recording, Queue, Agent):
            cursor.execute(f'VACUUM ANALYZE "{model._meta.db_table}"')
    return admin


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
