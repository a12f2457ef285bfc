"""The two tenants of the demonstration, as values: who they are, where they sit, who works there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PASSWORD: Final = "look around ccportal"  # noqa: S105 - printed for everybody to use


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Someone who works there; agents have an extension."""

    name: str
    role: str
    team: str = ""
    extension: str = ""

    @property
    def username(self) -> str:
        return self.name.split(" ", maxsplit=1)[0].lower()


@dataclass(frozen=True, slots=True)
class DemoQueue:
    """A queue, the team that answers it and the number that leads to it."""

    name: str
    label: str
    team: str
    number: str


@dataclass(frozen=True, slots=True)
class DemoTenant:
    """A tenant; numbers are written as the switch writes them."""

    name: str
    realm: str
    time_zone: str
    country: str
    people: tuple[DemoPerson, ...]
    queues: tuple[DemoQueue, ...]
    direct_prefix: str
    unowned_number: str
    outside_prefixes: tuple[str, ...]

    @property
    def agents(self) -> tuple[DemoPerson, ...]:
        return tuple(person for person in self.people if person.extension)

    def team_of(self, queue: DemoQueue) -> tuple[DemoPerson, ...]:
        return tuple(agent for agent in self.agents if agent.team == queue.team)

    def email(self, person: DemoPerson) -> str:
        return f"{person.username}@{self.realm}"


AURORA: Final = DemoTenant(
    name="Aurora Support",
    realm="aurora.example",
    time_zone="Europe/Berlin",
    country="DE",
    people=(
        DemoPerson("Ada Brandt", "admin"),
        DemoPerson("Saskia Vogt", "supervisor", "Support"),
        DemoPerson("Robin Keller", "reviewer", "Support"),
        DemoPerson("Mina Holt", "agent", "Support", "2101"),
        DemoPerson("Jonas Weiss", "agent", "Support", "2102"),
        DemoPerson("Elif Demir", "agent", "Support", "2103"),
        DemoPerson("Tom Krause", "agent", "Support", "2104"),
        DemoPerson("Lena Fuchs", "agent", "Support", "2105"),
        DemoPerson("Piotr Nowak", "agent", "Billing", "2111"),
        DemoPerson("Greta Lang", "agent", "Billing", "2112"),
        DemoPerson("Yusuf Kaya", "agent", "Billing", "2113"),
    ),
    queues=(
        DemoQueue("support@aurora.example", "Support", "Support", "493023125010"),
        DemoQueue("returns@aurora.example", "Returns", "Support", "493023125020"),
        DemoQueue("billing@aurora.example", "Billing", "Billing", "493023125030"),
    ),
    direct_prefix="49302312",
    unowned_number="493023125999",
    outside_prefixes=("491713920", "493023125", "494066969", "498999998"),
)
BEACON: Final = DemoTenant(
    name="Beacon Travel",
    realm="beacon.example",
    time_zone="America/New_York",
    country="US",
    people=(
        DemoPerson("Walter Boone", "admin"),
        DemoPerson("Ines Calder", "supervisor", "Bookings"),
        DemoPerson("Priya Raman", "reviewer", "Bookings"),
        DemoPerson("Carlos Vega", "agent", "Bookings", "3201"),
        DemoPerson("Dana Whitfield", "agent", "Bookings", "3202"),
        DemoPerson("Noah Ellis", "agent", "Bookings", "3203"),
        DemoPerson("Mei Tanaka", "agent", "Changes", "3211"),
        DemoPerson("Omar Haddad", "agent", "Changes", "3212"),
        DemoPerson("Zoe Palmer", "agent", "Changes", "3213"),
    ),
    queues=(
        DemoQueue("bookings@beacon.example", "New bookings", "Bookings", "12125550110"),
        DemoQueue("changes@beacon.example", "Changes and refunds", "Changes", "12125550120"),
        DemoQueue("groups@beacon.example", "Groups", "Bookings", "12125550130"),
    ),
    direct_prefix="1212555",
    unowned_number="12125550199",
    outside_prefixes=("121255501", "146955501", "141555501", "130555501"),
)
TENANTS: Final = (AURORA, BEACON)
# fmt: off
FIRST_NAMES: Final = (
    "Anna", "Ben", "Clara", "David", "Eva", "Felix", "Hanna", "Ivo", "Julia", "Karl",
    "Laura", "Max", "Nora", "Oskar", "Paula", "Rosa", "Simon", "Tara", "Vera", "Liam",
    "Emma", "Ethan", "Sofia", "Hugo", "Aisha", "Jamal", "Naomi", "Victor",
)
# fmt: on
# fmt: off
LAST_NAMES: Final = (
    "Arndt", "Baker", "Costa", "Dietz", "Evans", "Frank", "Garcia", "Huber", "Ivanov",
    "Jansen", "Kim", "Lopez", "Meyer", "Novak", "Olsen", "Peters", "Quinn", "Roth",
    "Silva", "Turner", "Urban", "Vance", "Wagner", "Xu", "Young", "Ziegler",
)
# fmt: on
