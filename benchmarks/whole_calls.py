"""What hangs from generated calls: legs, visits to queues, offers to agents, tags."""

from __future__ import annotations

from django.db import connection

from accounts.models import User
from benchmarks.legs import LEG_COLUMNS
from benchmarks.many_calls import fill, insert
from cdr.models import AgentOffer, Leg, QueueVisit
from recordings.models import Tag

OF_CALL = {"account_id": "account_id", "switch_id": "switch_id"}
VISIT_COLUMNS = OF_CALL | {
    "id": "gen_random_uuid()",
    "call_id": "id",
    "member_uuid": "leg_uuid",
    "session_uuid": "leg_uuid",
    "queue_name": "queue_name",
    "caller_number": "caller_number",
    "caller_name": "caller_name",
    "destination_number": "dialed_number",
    "agent_name": "agent_name",
    "entered_system_at": "started_at",
    "joined_at": "started_at",
    "answered_at": "answered_at",
    "left_at": "ended_at",
    "cause": "CASE WHEN agent_name = '' THEN 'Cancel' ELSE 'Terminated' END",
    "billsec": "billsec",
    "wait_ms": "wait_ms",
    "duration_ms": "talk_ms",
}
OFFER_COLUMNS = OF_CALL | {
    "id": "gen_random_uuid()",
    "call_id": "call_id",
    "visit_id": "id",
    "agent_name": "agent_name",
    "outcome": "'answered'",
    "offered_at": "joined_at",
    "answered_at": "answered_at",
    "ended_at": "left_at",
    "talk_ms": "duration_ms",
    "listed_at": "joined_at",
}
# One answered visit in ten goes on to another agent.
PASSED_ON = OFFER_COLUMNS | {
    "agent_name": "(1000 + floor(random() ^ 2 * 500)::int)::text",
    "offered_at": "left_at",
    "answered_at": "left_at",
}
TAG_COLUMNS = {
    "id": "gen_random_uuid()",
    "account_id": "account_id",
    "call_id": "id",
    "name": "'tag ' || floor(random() ^ 2 * 40)::int",
    "started_at": "started_at",
}


def fill_whole(calls: int) -> User:
    """Make so many calls of one tenant with everything that hangs from them; return its administrator."""
    admin = fill(calls)
    own = {"account": admin.account_id}
    insert(Leg, LEG_COLUMNS, "cdr_call WHERE account_id = %(account)s", own)
    insert(QueueVisit, VISIT_COLUMNS, "cdr_call WHERE account_id = %(account)s AND queue_name <> ''", own)
    insert(AgentOffer, OFFER_COLUMNS, "cdr_queuevisit WHERE agent_name <> ''", {})
    insert(AgentOffer, PASSED_ON, "cdr_queuevisit WHERE agent_name <> '' AND random() < 0.1", {})
    insert(Tag, TAG_COLUMNS, "cdr_call WHERE account_id = %(account)s AND random() < 0.03", own)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return admin
