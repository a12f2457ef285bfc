from __future__ import annotations

import pytest

from tests import factories


@pytest.mark.django_db
def test_a_call_with_everything_hangs_together() -> None:
    account = factories.make_account()
    call = factories.make_call(account)
    leg = factories.make_leg(call)
    visit = factories.make_visit(call)
    offer = factories.make_offer(visit)
    media = factories.make_media(factories.make_recording(call))
    call.refresh_from_db()
    assert (call.leg_count, call.recording_count, call.queue_name) == (1, 1, visit.queue_name)
    assert leg.uuid == call.leg_uuid
    assert offer.visit == visit
    assert media.size > 44
    assert media.duration_ms == 1000
