"""Write every event of a switch to a file, one JSON body a line, until Ctrl-C."""

from __future__ import annotations

import argparse
import gzip
import os
import sys
from pathlib import Path

from switch.errors import ConnectionClosed
from switch.esl.connection import Address, EventSource
from switch.esl.native import NativeConnection
from switch.esl.subscription import Subscription

EVERYTHING = Subscription(events=("ALL",))


def capture(source: EventSource, path: Path) -> int:
    """Write bodies until the switch hangs up or the user ends it; return how many."""
    count = 0
    with gzip.open(path, "xb") as file:
        try:
            while True:
                for body in source.recv(timeout=1.0):
                    file.write(body.replace(b"\n", b"") + b"\n")
                    count += 1
        except (KeyboardInterrupt, ConnectionClosed):
            return count


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="a new file, such as call.jsonl.gz")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8021)
    return parser.parse_args()


def main() -> None:
    given = arguments()
    password = os.environ.get("ESL_PASSWORD", "ClueCon")
    source = NativeConnection.open(Address(given.host, given.port, password))
    try:
        source.subscribe(EVERYTHING)
        sys.stderr.write("Place the call now; Ctrl-C when it is over.\n")
        sys.stderr.write(f"{capture(source, given.file)} events in {given.file}\n")
    finally:
        source.close()


if __name__ == "__main__":
    main()
