"""How the database goes about a question: what it reads whole, and what it sorts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

LARGE = ("cdr_call", "cdr_leg", "cdr_queuevisit", "cdr_agentoffer", "recordings_recording", "recordings_tag")
SORTED_AT_MOST = 20_000
Plan = dict[str, Any]


def statements_of(work: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        work()
    return [query["sql"] for query in captured.captured_queries]


def plan_of(statement: str) -> Plan:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}")
        (found,) = cursor.fetchone()
    plan: Plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def faults_of(statement: str) -> list[str]:
    """What a page may not do: read a large table from end to end, or sort very many rows."""
    return [fault for node in nodes(plan_of(statement)) if (fault := fault_of(node))]


def nodes(plan: Plan) -> Iterator[Plan]:
    """Every node but those that a limit stops early: they find far more than is wanted."""
    yield plan
    for inner in plan.get("Plans", []):
        if plan["Node Type"] != "Limit" or inner["Plan Rows"] < 2 * plan["Plan Rows"]:
            yield from nodes(inner)


def fault_of(node: Plan) -> str:
    kind, rows = node["Node Type"], node["Plan Rows"]
    if kind == "Seq Scan" and node["Relation Name"] in LARGE:
        return f"reads all of {node['Relation Name']}"
    return f"sorts {rows:,} rows" if kind == "Sort" and rows > SORTED_AT_MOST else ""
