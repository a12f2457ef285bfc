"""Try a storage out: write a small object, read it back, remove it; say which of these failed, and why."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from django.core.files.base import ContentFile
from django.core.files.storage import Storage

from recordings.buckets import StorageUnavailable, open_bucket, parameters_of
from recordings.storage import storage_at
from recordings.stores import AudioStore

SECONDS = 6
FOLDER = "connection-test"
MEANINGS = {
    "InvalidAccessKeyId": "The storage does not know this access key.",
    "SignatureDoesNotMatch": "The secret key does not fit the access key.",
    "AccessDenied": "The keys may not do this.",
    "403": "The keys may not do this.",
    "NoSuchBucket": "There is no such bucket.",
    "AuthorizationHeaderMalformed": "The bucket is in another region.",
    "PermanentRedirect": "The bucket is in another region.",
    "EndpointConnectionError": "Nothing answers at this address, or it leads inside the server's network.",
    "ConnectTimeoutError": "Nothing answers at this address.",
    "ReadTimeoutError": "The storage takes too long to answer.",
    "SSLError": "The certificate at this address is not trusted.",
}


@dataclass(frozen=True)
class Step:
    """One thing that was tried; ``why`` is empty where it went well."""

    name: str
    why: str = ""


def try_out(store: AudioStore | None) -> list[Step]:
    """The steps as far as they went; the last one says what failed, if anything did."""
    key, content = f"{FOLDER}/{secrets.token_hex(16)}", secrets.token_bytes(64)
    with opened(store) as storage:
        steps: list[tuple[str, Callable[[], None]]] = [
            ("Write an object", lambda: write(storage, key, content)),
            ("Read it back", lambda: compare(storage, key, content)),
            ("Delete it", lambda: remove(storage, key)),
        ]
        return list(gone_through(steps))


def gone_through(steps: list[tuple[str, Callable[[], None]]]) -> Iterator[Step]:
    for name, act in steps:
        try:
            act()
        except OSError as error:
            yield Step(name, meaning(error))
            return
        yield Step(name)


@contextmanager
def opened(store: AudioStore | None) -> Iterator[Storage]:
    """The storage with a short time limit; what was typed and is not saved is not kept in memory."""
    if store is None:
        yield storage_at(None)
        return
    bucket = open_bucket(replace(parameters_of(store), timeout=SECONDS))
    try:
        yield bucket
    finally:
        bucket.client.close()


def write(storage: Storage, key: str, content: bytes) -> None:
    storage.save(key, ContentFile(content, name=key))


def compare(storage: Storage, key: str, content: bytes) -> None:
    with storage.open(key) as kept:
        if kept.read() != content:
            raise StorageUnavailable("What was read is not what was written.")


def remove(storage: Storage, key: str) -> None:
    storage.delete(key)
    if storage.exists(key):
        raise StorageUnavailable("It is still there.")


def meaning(error: OSError) -> str:
    """What people can do something with, and the storage's own words."""
    said = str(error.strerror or error)
    found = next((words for code, words in MEANINGS.items() if code in said), "")
    return f"{found} ({said})" if found else said
