"""What templates need beyond Django's own."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Draw an icon of the page's sprite; words beside it say what it means."""
    return format_html('<svg class="icon {}" aria-hidden="true"><use href="#i-{}"/></svg>', extra, name)


@register.filter
def of(mapping: dict[str, Any], key: str) -> Any:
    """Look up a key that is itself a value."""
    return mapping.get(key, "")
