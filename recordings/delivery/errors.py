"""Why something could not be sent."""

from __future__ import annotations


class DeliveryFailed(Exception):
    """A try that failed: the reason in words, without secrets, and what is to be done about it.

    ``permanent`` means that another try would go the same way; ``retry_after`` is when the receiver asked
    to be tried again, in seconds; ``unsure`` that the receiver may have acted all the same.
    """

    def __init__(
        self, reason: str, *, permanent: bool = False, retry_after: int | None = None, unsure: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after
        self.unsure = unsure
