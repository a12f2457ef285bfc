"""Audio in a bucket: read by ranges, written whole, with time limits, and never inside the own network."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files import File
from storages.backends.s3 import S3Storage
from urllib3.exceptions import HTTPError, NewConnectionError

from database.sealed import LOST_WORDS, is_lost
from policies.addresses import allowed_hosts, is_public
from recordings.stores import AudioStore

WINDOW_BYTES = 1 << 18
TRIES = 3
MULTIPART = TransferConfig(multipart_threshold=64 << 20, multipart_chunksize=16 << 20, max_concurrency=2)
FAILURES = (BotoCoreError, Boto3Error, HTTPError)


class StorageUnavailable(OSError):
    """The storage does not answer, or refuses; what is in it is not lost by that."""


@contextmanager
def own_words(name: str) -> Iterator[None]:
    """Say what a bucket's answer means in the words of a file system."""
    try:
        yield
    except ClientError as error:
        answer = error.response
        code = answer.get("Error", {}).get("Code", "")
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", "")
        if code == "NoSuchKey":
            raise FileNotFoundError(errno.ENOENT, "Not in the bucket", name) from error
        said = f"{status} {code}" if code != str(status) else code
        raise StorageUnavailable(errno.EIO, f"The storage answered {said}") from error
    except FAILURES as error:
        raise StorageUnavailable(errno.EIO, f"The storage failed: {type(error).__name__}") from error


@dataclass(frozen=True)
class Parameters:
    """What a connection to a bucket is made of; what of it is secret is not printed."""

    endpoint: str
    region: str
    bucket: str
    prefix: str
    guarded: bool
    timeout: int
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


def bucket_of(store: AudioStore) -> BucketStorage:
    """The storage of a store, one for each process: making a client takes longer than most requests."""
    return connect(parameters_of(store))


def parameters_of(store: AudioStore) -> Parameters:
    """What a store is reached by; the server's own has its keys in the settings."""
    is_servers = store.account_id is None
    if not is_servers and (is_lost(store.access_key) or is_lost(store.secret_key)):
        raise StorageUnavailable(errno.EACCES, LOST_WORDS)
    if not is_servers and not (store.access_key and store.secret_key):
        raise StorageUnavailable(errno.EACCES, "The storage has no keys")
    return Parameters(
        endpoint=store.endpoint,
        region=settings.CCPORTAL_S3_REGION if is_servers else store.region,
        bucket=store.bucket,
        prefix=store.prefix,
        guarded=not is_servers,
        timeout=settings.CCPORTAL_S3_TIMEOUT,
        access_key=settings.CCPORTAL_S3_ACCESS_KEY if is_servers else store.access_key,
        secret_key=settings.CCPORTAL_S3_SECRET_KEY if is_servers else store.secret_key,
    )


def open_bucket(parameters: Parameters) -> BucketStorage:
    return BucketStorage(
        guarded=parameters.guarded,
        endpoint_url=parameters.endpoint or None,
        region_name=parameters.region or "us-east-1",
        bucket_name=parameters.bucket,
        location=parameters.prefix,
        access_key=parameters.access_key or None,
        secret_key=parameters.secret_key or None,
        transfer_config=MULTIPART,
        client_config=Config(
            connect_timeout=parameters.timeout,
            read_timeout=parameters.timeout,
            retries={"mode": "standard", "total_max_attempts": TRIES},
            s3={"addressing_style": "path" if parameters.endpoint else "auto"},
            signature_version="s3v4",
            # Checksums in trailers are refused by many compatible servers; what was stored is read again.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


connect = lru_cache(maxsize=256)(open_bucket)


class BucketStorage(S3Storage):
    """A bucket as Django's storage; ``guarded`` ones never connect to an address inside the own network."""

    bucket_name: str

    def __init__(self, *, guarded: bool, **options: Any) -> None:
        super().__init__(**options)
        self.guarded = guarded

    @property
    def connection(self) -> Any:
        is_new = getattr(self._connections, "connection", None) is None
        connection: Any = super().connection
        if is_new and self.guarded:
            guard(connection.meta.client)
        return connection

    @property
    def client(self) -> Any:
        return self.connection.meta.client

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        key = self._normalize_name(name)
        with own_words(name):
            try:
                found = self.client.head_object(Bucket=self.bucket_name, Key=key)
            except ClientError as error:
                self._refuse_missing(error, name)
                raise
        raw = BucketFile(self, key, found["ContentLength"], found["ETag"])
        return File(io.BufferedReader(raw, WINDOW_BYTES), name=name)

    def _refuse_missing(self, error: ClientError, name: str) -> None:
        """Raise FileNotFoundError when the bucket is there and the file is not: HEAD tells both by 404."""
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            self.client.head_bucket(Bucket=self.bucket_name)
            raise FileNotFoundError(errno.ENOENT, "Not in the bucket", name) from error

    def _save(self, name: str, content: Any) -> str:
        with own_words(name):
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        with own_words(name):
            super().delete(name)

    def exists(self, name: str) -> bool:
        try:
            self._open(name)
        except FileNotFoundError:
            return False
        return True

    def presigned(self, name: str, *, seconds: int, disposition: str, content_type: str) -> str:
        """An address at which anyone may GET the file for so long, under the name and type that are said."""
        with own_words(name):
            return str(
                self.client.generate_presigned_url(
                    "get_object",
                    Params={
                        "Bucket": self.bucket_name,
                        "Key": self._normalize_name(name),
                        "ResponseContentDisposition": disposition,
                        "ResponseContentType": content_type,
                    },
                    ExpiresIn=seconds,
                )
            )

    def fetch(self, key: str, etag: str, first: int, last: int) -> bytes:
        """Return the bytes from first to last of the very file that was opened."""
        for left in reversed(range(TRIES)):
            with own_words(key):
                found = self.client.get_object(
                    Bucket=self.bucket_name, Key=key, Range=f"bytes={first}-{last}", IfMatch=etag
                )
                try:
                    with found["Body"] as body:
                        return bytes(body.read())
                except FAILURES:
                    if not left:
                        raise
        raise AssertionError("the last try returns or raises")


class BucketFile(io.RawIOBase):
    """A file in a bucket that can be read anywhere; each read asks for just those bytes."""

    def __init__(self, storage: BucketStorage, key: str, size: int, etag: str) -> None:
        super().__init__()
        self.storage = storage
        self.key = key
        self.size = size
        self.etag = etag
        self.position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        self.position = max(begin + offset, 0)
        return self.position

    def readall(self) -> bytes:
        """All that is left, in one request; without this it would be asked for by eight kilobytes."""
        if self.position >= self.size:
            return b""
        rest = self.storage.fetch(self.key, self.etag, self.position, self.size - 1)
        self.position += len(rest)
        return rest

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        length = min(len(view), self.size - self.position)
        if length <= 0:
            return 0
        piece = self.storage.fetch(self.key, self.etag, self.position, self.position + length - 1)
        view[: len(piece)] = piece
        self.position += len(piece)
        return len(piece)


class GuardedConnection(AWSHTTPConnection):
    def _new_conn(self) -> Any:
        return refuse_inside(self, super()._new_conn())


class GuardedTLSConnection(AWSHTTPSConnection):
    def _new_conn(self) -> Any:
        return refuse_inside(self, super()._new_conn())


class GuardedPool(AWSHTTPConnectionPool):
    ConnectionCls = GuardedConnection


class GuardedTLSPool(AWSHTTPSConnectionPool):
    ConnectionCls = GuardedTLSConnection


def guard(client: Any) -> None:
    """Look at every address that the client is connected to, whatever its host's name leads to by now."""
    manager = client._endpoint.http_session._manager
    manager.pool_classes_by_scheme = {"http": GuardedPool, "https": GuardedTLSPool}


def refuse_inside(connection: Any, opened: Any) -> Any:
    """Close a connection that leads inside; one to a proxy of the operator's is the proxy's to judge."""
    peer = ip_address(opened.getpeername()[0].partition("%")[0])
    if connection.proxy or connection.host in allowed_hosts(None) or is_public(peer):
        return opened
    opened.close()
    raise NewConnectionError(connection, f"{connection.host} leads into a network that nothing is sent to")
