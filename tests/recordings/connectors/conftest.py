from __future__ import annotations

from tests.recordings.delivery.conftest import _operator_allows_this_machine as _operator_allows_this_machine
from tests.recordings.delivery.conftest import call as call
from tests.recordings.delivery.conftest import finished as finished
