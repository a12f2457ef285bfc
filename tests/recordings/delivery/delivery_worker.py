"""Send a delivery: ``python -m tests.recordings.delivery.delivery_worker DELIVERY``."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    import django

    django.setup()
    from recordings.delivery.outbox import deliver_each

    deliver_each([sys.argv[1]])
