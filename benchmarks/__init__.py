"""How fast, how much: each figure beside the physical limit it stands against. See docs/performance.md."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
django.setup()
