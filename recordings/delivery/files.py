"""Finished recordings to the urls that their grants name."""

from __future__ import annotations

import hashlib
import uuid
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from django.db import transaction

from cdr.models import Leg
from recordings.delivery import ftp, http, news
from recordings.delivery.errors import DeliveryFailed
from recordings.delivery.models import Delivery, Kind
from recordings.delivery.network import Network
from recordings.delivery.outbox import put
from recordings.models import PLAYABLE, Damage, Media, Recording, State, Variant
from recordings.storage import safe_name, storage_of

CONTENT_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav"}
METHODS = ("put", "post")


def put_recording(recording: Recording) -> list[Delivery]:
    """Have a recording that is ready sent to each url of its grants: one file for each url and format."""
    if recording.account_id is None:
        return []
    length = Media.objects.filter(recording=recording, variant=Variant.CALL).values_list("duration_ms")
    milliseconds = max((row[0] for row in length), default=0)
    wanted = {delivery_id(recording, target): target for target in targets_of(recording, milliseconds)}
    return put(
        [
            Delivery(
                pk=pk,
                account_id=recording.account_id,
                kind=Kind.RECORDING,
                subject=f"Recording as {target['format']}",
                recording=recording,
                url=target.pop("url"),
                payload=target,
            )
            for pk, target in wanted.items()
        ]
    )


def follow(recording_id: uuid.UUID) -> None:
    """Send for the account that the recording has now; it may have had none when it became ready."""
    with transaction.atomic():
        recording = Recording.objects.select_for_update().filter(pk=recording_id).first()
        if recording and recording.account_id and recording.state == State.READY:
            Delivery.objects.filter(recording=recording).update(account=recording.account_id)
            put_recording(recording)
            news.recording_ready(recording.pk)


def targets_of(recording: Recording, milliseconds: int) -> Iterator[dict[str, Any]]:
    """Where each grant wants it, unless it is shorter than what this grant keeps."""
    for grant in recording.grants:
        params = grant.get("params") or {}
        is_short = milliseconds < int(params.get("record_min_sec") or 0) * 1000
        if params.get("url") and not is_short:
            method = str(params.get("method") or "put").lower()
            yield {
                "url": str(params["url"]),
                "method": method if method in METHODS else "put",
                "format": str(params.get("format") or "mp3"),
            }


def delivery_id(recording: Recording, target: dict[str, Any]) -> uuid.UUID:
    return uuid.uuid5(
        recording.pk, "\n".join(["delivery", target["method"], target["format"], target["url"]])
    )


def send(delivery: Delivery, network: Network) -> None:
    """Send the file; what is stored stays where it is."""
    recording = delivery.recording
    if recording is None or recording.state not in PLAYABLE:
        raise DeliveryFailed("The recording has no audio any more.", permanent=True)
    media = media_for(recording, str(delivery.payload.get("format")))
    if media.damage:
        raise DeliveryFailed(f"The stored file is damaged: {Damage(media.damage).label.lower()}.")
    if urlsplit(delivery.url).scheme in ("ftp", "ftps"):
        name = ftp_name(recording, media)
        draft = f".{delivery.pk.hex}.part"
        with opened(media) as content:
            ftp.upload(delivery.url, name, draft, content, media.size, network)
        return
    message = http.Message(
        str(delivery.payload.get("method", "put")).upper(),
        headers_of(delivery, media),
        lambda: opened(media),
        media.size,
    )
    http.send(address_of(delivery.url, recording, media), message, network)


def media_for(recording: Recording, wanted: str) -> Media:
    """The whole call in the format that was asked for, else in the one there is."""
    files = {
        media.format: media for media in recording.media.select_related("store").filter(variant=Variant.CALL)
    }
    found = files.get(wanted) or next(iter(files.values()), None)
    if found is None:
        raise DeliveryFailed("The recording has no audio any more.", permanent=True)
    return found


@contextmanager
def opened(media: Media) -> Iterator[BinaryIO]:
    try:
        file = storage_of(media).open(media.key)
    except OSError as error:
        raise DeliveryFailed(f"The file could not be read ({type(error).__name__}).") from error
    with file:
        yield cast("BinaryIO", file)


def headers_of(delivery: Delivery, media: Media) -> dict[str, str]:
    digest = b64encode(bytes.fromhex(media.sha256)).decode("ascii")
    return {
        "Content-Type": CONTENT_TYPES.get(media.format, "application/octet-stream"),
        "Content-Digest": f"sha-256=:{digest}:",
        "X-CCPortal-Delivery": delivery.pk.hex,
        "X-CCPortal-SHA256": media.sha256,
    }


def address_of(url: str, recording: Recording, media: Media) -> str:
    """``{url}/call_recording_{call_id}.{ext}`` with the url's own query before ours."""
    parts = urlsplit(url)
    name = quote(f"call_recording_{call_id(recording)}.{media.format}", safe="")
    query = "&".join(filter(None, [parts.query, urlencode(query_of(recording), quote_via=quote)]))
    return urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/{name}", query, ""))


def call_id(recording: Recording) -> str:
    """The switch's id of the leg; a conference has none."""
    return recording.leg_uuid or recording.pk.hex


def query_of(recording: Recording) -> dict[str, str]:
    leg = Leg.objects.filter(call=recording.call_id, uuid=recording.leg_uuid).values_list("pk").first()
    call = recording.call
    values = {
        "from": recording.caller_number,
        "to": recording.callee_number or (call.dialed_number if call else ""),
        "caller_id_name": recording.caller_name,
        "caller_id_number": recording.caller_number,
        "call_id": call_id(recording),
        "cdr_id": leg[0].hex if leg else "",
        "interaction_id": recording.call_id.hex if recording.call_id else "",
        "account_id": recording.account_id.hex if recording.account_id else "",
        "recording_id": recording.pk.hex,
    }
    return {name: value.encode("utf-8", "replace").decode() for name, value in values.items()}


def ftp_name(recording: Recording, media: Media) -> str:
    """The same name as over HTTP; a leg's later recordings have their ids in it, for want of a query."""
    earlier = Recording.objects.filter(
        switch=recording.switch_id, leg_uuid=recording.leg_uuid, started_at__lt=recording.started_at
    )
    again = f"_{recording.pk.hex}" if recording.leg_uuid and earlier.exists() else ""
    stem = safe_name(call_id(recording)) or hashlib.sha256(call_id(recording).encode()).hexdigest()
    return f"call_recording_{stem}{again}.{media.format}"
