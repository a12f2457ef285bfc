"""What templates need beyond Django's own."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ccportal.portal.wave import Player

register = template.Library()


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Draw an icon of the page's sprite; words beside it say what it means."""
    return format_html('<svg class="icon {}" aria-hidden="true"><use href="#i-{}"/></svg>', extra, name)


@register.simple_tag
def place(player: Player | None, ms: int) -> str:
    """Where a moment of the call is heard without script: the audio from there, else only a mark."""
    if not player or not player.offset_ms <= ms < player.offset_ms + player.length_ms:
        return f"#t={ms}"
    return f"{reverse('media', kwargs={'id': player.id})}?format={player.format}{player.place(ms)}"


@register.filter
def of(mapping: dict[str, Any], key: str) -> Any:
    """Look up a key that is itself a value."""
    return mapping.get(key, "")
