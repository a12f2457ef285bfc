"""Form fields in the portal's clothes."""

from __future__ import annotations

from typing import Any

from django import forms

CLASSES = {"select": "select", "checkbox": "", "checkboxselectmultiple": "", "textarea": "textarea"}


class Dressed(forms.BaseForm):
    """Gives each widget the class that the style sheet knows; ``kinds`` tells the template which it is."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            kind = type(field.widget).__name__.lower()
            if dress := CLASSES.get(kind, "input"):
                field.widget.attrs.setdefault("class", dress)
