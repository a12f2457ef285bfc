"""How many calls a second the recording policies decide; the limit is the dictionary look-ups it takes."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator

from benchmarks.figures import Figure, run_benchmark
from policies.decide import Facts, decide
from policies.json_facts import facts_of
from policies.settings import account_settings, endpoint_settings

ACCOUNT = {
    "account": {"inbound": {"offnet": {"enabled": True}}},
    "endpoint": {"any": {"any": {"format": "wav"}}},
}
USER = {"outbound": {"any": {"enabled": True}}}
DEVICE = {"inbound": {"onnet": {"enabled": False}}, "outbound": {"offnet": {"time_limit": 60}}}
LOOK_UPS = 4


def calls() -> list[Facts]:
    """Every way a call can go, with settings as the recorder keeps them."""
    account, endpoint = account_settings(ACCOUNT), endpoint_settings(DEVICE, USER, ACCOUNT)
    return [
        Facts(from_, to, account, endpoint if from_ == "onnet" else None, (endpoint,))
        for from_ in ("onnet", "offnet")
        for to in ("onnet", "offnet", "unknown")
    ]


def documents() -> list[dict[str, object]]:
    """The same calls as documents that have still to be put over each other."""
    endpoint = {"device": DEVICE, "user": USER}
    return [
        {"from": from_, "to": to, "account": ACCOUNT, "caller": endpoint, "callees": [endpoint]}
        for from_ in ("onnet", "offnet")
        for to in ("onnet", "offnet")
    ]


def per_second(number: int, work: Callable[[int], object]) -> float:
    started = time.perf_counter()
    for turn in range(number):
        work(turn)
    return number / (time.perf_counter() - started)


def look_up(facts: Facts) -> object:
    cells = facts.account.cells if facts.account else {}
    return [cells.get("inbound.offnet") for _ in range(LOOK_UPS)]


def measure(options: Namespace) -> Iterator[Figure]:
    known, told = calls(), documents()
    limit = per_second(options.decisions, lambda turn: look_up(known[turn % len(known)]))
    decided = per_second(options.decisions, lambda turn: decide(known[turn % len(known)]))
    yield Figure("decisions, settings at hand", decided, "/s", limit, f"{LOOK_UPS} look-ups in a dictionary")
    whole = per_second(options.decisions // 10, lambda turn: decide(facts_of(told[turn % len(told)])))
    yield Figure("decisions, from documents", whole, "/s", decided, "with settings at hand")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--decisions", type=int, default=300_000)


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
