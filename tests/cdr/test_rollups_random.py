"""Whatever happens to rows, in whatever order: figures are what a count of the rows gives."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.actors import actor_for
from accounts.tenancy import Actor
from ccportal import pipeline
from cdr.assign import assign
from cdr.models import Call
from cdr.rollups import counted
from switch import events as ev
from tests import captures
from tests import factories as make
from tests.cdr.naive import assert_equal

pytestmark = pytest.mark.django_db

QUEUE_CALLS = [name for name in captures.names() if captures.index()[name]["queue_visits"]]
BODIES = [body for name in QUEUE_CALLS for body in captures.bodies(name)]
BEGAN = 1_795_177_000_000_000
STATUSES = ("Available", "On Break", "Logged Out", "Available (On Demand)")

STEPS = st.one_of(
    st.tuples(st.just("hear"), st.integers(0, len(BODIES)), st.integers(20, 700)),
    st.tuples(st.just("assign"), st.integers(0, 9), st.integers(0, 1)),
    st.tuples(st.just("remove"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("status"), st.integers(0, 60_000), st.integers(0, 7)),
)


class World:
    """Two accounts, a switch of one of them and one of nobody, and what is done to their calls."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.accounts = [make.make_account(time_zone=zone) for zone in ("Asia/Kathmandu", "America/Havana")]
        self.switches = [make.make_switch(self.accounts[0]), make.make_switch()]
        self.operator: Actor | None = actor_for(make.make_operator())

    def hear(self, start: int, length: int) -> None:
        some = BODIES[start : start + length]
        some += self.chance.sample(some, len(some) // 4)
        self.chance.shuffle(some)
        pipeline.apply_bodies(self.chance.choice(self.switches), some)

    def assign(self, which: int, to: int) -> None:
        ids = list(Call.objects.order_by("pk").values_list("pk", flat=True))[which::5]
        assign(ids, self.accounts[to], self.operator)

    def remove(self, which: int, _: int) -> None:
        ids = list(Call.objects.order_by("pk").values_list("pk", flat=True))[which::4]
        with counted(ids):
            Call.objects.filter(pk__in=ids).delete()

    def status(self, second: int, which: int) -> None:
        change = ev.AgentChanged(
            core="core",
            sequence=second * 10 + which,
            at=BEGAN + second * 1_000_000,
            agent=f"100{which % 2}",
            kind="status",
            value=STATUSES[which % len(STATUSES)],
        )
        heard = pipeline.Heard(agents=[change], last_at=change.at)
        pipeline.apply_events(self.switches[0], heard)

    def steps(self) -> dict[str, Callable[[int, int], None]]:
        return {"hear": self.hear, "assign": self.assign, "remove": self.remove, "status": self.status}


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.integers(0, 1000), st.lists(STEPS, min_size=3, max_size=14))
def test_figures_are_the_count_of_the_rows(seed: int, steps: list[tuple[str, int, int]]) -> None:
    with transaction.atomic():
        world = World(seed)
        for name, first, second in steps:
            world.steps()[name](first, second)
        for account in world.accounts:
            assert_equal(account)
        transaction.set_rollback(True)
