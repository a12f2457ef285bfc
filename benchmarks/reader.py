"""Between a switch and its journal: reading, keeping, translating, against a plain socket copy."""

from __future__ import annotations

import tempfile
import zlib
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from benchmarks.figures import Figure, run_benchmark
from benchmarks.journals import BODIES_IN_A_BATCH, in_groups
from benchmarks.sender import running_sender, some_bodies
from switch.errors import ConnectionClosed
from switch.esl.connection import Address
from switch.esl.native import NativeConnection
from switch.esl.translate import Translator
from switch.esl.wire import WireDecoder
from switch.journal import COMPRESSION_LEVEL, Journal, pack
from switch.measure import measure_appends, measure_framing, measure_reads, per_second

PATIENCE = 30.0
Take = Callable[[list[bytes]], object]


class CopyingConnection(NativeConnection):
    """The same connection that does nothing with what comes."""

    def copy_all(self) -> None:
        self._socket.settimeout(PATIENCE)
        while self._socket.recv_into(self._chunk):
            pass


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=60_000, help="how many events (%(default)s)")


def measure(options: Namespace) -> Iterator[Figure]:
    bodies = some_bodies(options.events)
    with tempfile.TemporaryDirectory(prefix="ccportal-bench-") as folder:
        yield from measure_socket(bodies, Path(folder))
        yield from measure_journal(bodies, Path(folder))
    yield from measure_translation(bodies)


def measure_socket(bodies: list[bytes], folder: Path) -> Iterator[Figure]:
    size = sum(map(len, bodies)) / len(bodies) / 1000
    with running_sender(len(bodies)) as address, Journal.open(folder, "socket") as journal:
        copied = per_second(len(bodies), copying(address))
        framed = per_second(len(bodies), reading(address, lambda bodies: None))
        kept = per_second(len(bodies), reading(address, journal.append))
    note = f"{len(bodies):,} events of {size:.1f} kB; the sender is another process"
    yield Figure("socket to frames", framed, "events/s", copied, "socket copy", note)
    yield Figure("socket to journal, one thread", kept, "events/s", copied, "socket copy")
    joined = per_second(len(bodies), lambda: b"".join(bodies))
    yield Figure("frames from memory", measure_framing(bodies), "events/s", joined, "copy in memory")


def copying(address: Address) -> Callable[[], None]:
    connection = CopyingConnection.open(address)
    connection.subscribe()
    return connection.copy_all


def reading(address: Address, take: Take) -> Callable[[], None]:
    connection = NativeConnection.open(address)
    connection.subscribe()

    def read_to_the_end() -> None:
        try:
            while True:
                if bodies := connection.recv(PATIENCE):
                    take(bodies)
        except ConnectionClosed:
            connection.close()

    return read_to_the_end


def measure_journal(bodies: list[bytes], folder: Path) -> Iterator[Figure]:
    batches = [b"".join(some) for some in in_groups(bodies, BODIES_IN_A_BATCH)]
    packed = [pack(some) for some in in_groups(bodies, BODIES_IN_A_BATCH)]
    squeezed = per_second(len(bodies), lambda: [zlib.compress(batch, COMPRESSION_LEVEL) for batch in batches])
    widened = per_second(len(bodies), lambda: [zlib.decompress(batch) for batch in packed])
    appended = measure_appends(folder, bodies, BODIES_IN_A_BATCH)
    read = measure_reads(folder, bodies, BODIES_IN_A_BATCH)
    share = sum(map(len, packed)) / sum(map(len, bodies))
    note = f"batches of {BODIES_IN_A_BATCH}, kept in {share:.0%} of their size"
    yield Figure("journal, append and sync", appended, "events/s", squeezed, "zlib compression alone", note)
    yield Figure("journal, read", read, "events/s", widened, "zlib decompression alone")


def measure_translation(bodies: list[bytes]) -> Iterator[Figure]:
    decode = WireDecoder().decode
    skip = msgspec.json.Decoder(Nothing).decode
    scanned = per_second(len(bodies), each(skip, bodies))
    decoded = per_second(len(bodies), each(decode, bodies))
    translated = per_second(len(bodies), each(Translator().translate, bodies))
    yield Figure("decode the needed fields", decoded, "events/s", scanned, "msgspec reading no field")
    yield Figure("translate", translated, "events/s", decoded, "decode the needed fields")


class Nothing(msgspec.Struct):
    """No field at all: what the mere reading of the JSON costs."""


def each(work: Callable[[bytes], object], bodies: list[bytes]) -> Callable[[], None]:
    def work_on_all() -> None:
        for body in bodies:
            work(body)

    return work_on_all


if __name__ == "__main__":
    run_benchmark(__doc__, measure, add_arguments)
