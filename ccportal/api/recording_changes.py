"""What may be changed of a recording: its tags, its hold, and that its audio goes."""

from __future__ import annotations

from typing import Any

from rest_framework import status

from accounts.access import Action
from accounts.tenancy import Actor
from ccportal.api.errors import Invalid, Refused
from policies.merge import merge
from policies.schema import keyed, validate
from recordings.call_tags import LONGEST_TAG, MOST_TAGS
from recordings.deletion import NotStored, OnHold, delete_recording
from recordings.holding import hold_recording, release_recording
from recordings.models import Recording
from recordings.tagging import owner_of, set_tags, tags_of

TAG = {"type": "string", "minLength": 1, "maxLength": LONGEST_TAG}
CHANGES = keyed(
    {
        "tags": {"type": "array", "maxItems": MOST_TAGS, "uniqueItems": True, "items": TAG},
        "legal_hold": {"type": "boolean", "description": "Whether the recording itself is on hold"},
    },
    "What may be changed of a recording",
)
RIGHTS = {"tags": Action.TAG, "legal_hold": Action.HOLD}


class Kept(Refused):
    """The audio stays, and why."""

    status_code = status.HTTP_409_CONFLICT
    message = "datastore_conflict"


def changes_of(recording: Recording, data: dict[str, Any]) -> dict[str, Any]:
    """What is to be changed, after the whole document was checked; null takes back what was set."""
    before = {"tags": tags_of(owner_of(recording)), "legal_hold": recording.legal_hold}
    document, problems = validate({"tags": [], "legal_hold": False} | merge(before, data), CHANGES, path="")
    if problems:
        raise Invalid(problems)
    return {name: value for name, value in document.items() if value != before[name]}


def change(recording: Recording, changes: dict[str, Any], actor: Actor | None) -> None:
    if "tags" in changes:
        set_tags(owner_of(recording), changes["tags"], actor)
    if changes.get("legal_hold"):
        hold_recording(recording, actor)
    elif "legal_hold" in changes:
        release_recording(recording, actor)


def remove(recording: Recording, actor: Actor | None) -> None:
    """Have the audio removed, or answer 409 with the reason why it stays."""
    try:
        delete_recording(recording, actor)
    except OnHold:
        raise Kept({"message": "A legal hold keeps this recording.", "reason": "legal_hold"}) from None
    except NotStored:
        reason = f"The recording is {recording.state}: there is no audio to delete."
        raise Kept({"message": reason, "reason": recording.state}) from None
