"""What the forms of the admin send."""

from __future__ import annotations

from typing import Any

from django.forms import model_to_dict


def posted(row: Any, **changes: Any) -> dict[str, Any]:
    """What a form sends for a row with these changes."""
    values = model_to_dict(row) | {"record_parameters": "{}"} | changes
    return {name: value for name, value in values.items() if value is not None and value is not False}
