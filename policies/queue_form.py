"""The form of a queue, whose way to record is held to the rules of policies."""

from __future__ import annotations

from typing import Any

from django import forms

from policies.schema import HOW, unsafe_urls, validate
from queues.admin import QueueForm

FIELD = "record_parameters"


class RecordedQueueForm(QueueForm):
    """Holds a queue's parameters to the same rules as a policy's."""

    def clean_record_parameters(self) -> Any:
        told = self.cleaned_data[FIELD]
        stored, problems = validate({} if told is None else told, HOW, path="")
        problems = problems or unsafe_urls(stored, path="")
        if problems:
            raise forms.ValidationError([said(place, rules) for place, rules in problems.items()])
        return stored


def said(place: str, rules: dict[str, dict[str, Any]]) -> str:
    """What is wrong in one place, in words."""
    words = " ".join(str(facts["message"]) for facts in rules.values())
    name = place.strip(".")
    return f"{name}: {words}" if name else words
