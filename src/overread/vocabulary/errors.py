"""Every failure Overread raises, in one tree; callers decide by class and never by message.

    OverreadError
    ├── Rejected      the input is wrong; asking again with the same input is useless
    │   ├── NotFound        what was named does not exist (or may not be seen)
    │   ├── NotAuthenticated  nobody is signed in
    │   ├── NotPermitted    somebody is, and may not
    │   └── LimitExceeded   a bound on size, time or depth was passed
    │       └── TooManyAttempts   too often; again after `retry_after_seconds`
    ├── Conflict      the input contradicts what is already there
    ├── Unavailable   the other side does not answer; retry after `retry_after_seconds`
    └── Defect        ours: a promise of this code was broken

What governance withholds is a value (`governance.gate`), not an error.
"""

from __future__ import annotations


class OverreadError(Exception):
    """Base of all errors of this package.

    `message` says what was given, which rule it broke and what to do. It must hold no patient
    identifier: it is logged and returned to callers.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Rejected(OverreadError):
    """The input is wrong: never retried."""


class NotFound(Rejected):
    """What was named does not exist, or the asker may not know whether it does."""


class NotAuthenticated(Rejected):
    """The request carries no valid identity."""


class NotPermitted(Rejected):
    """The identity is known and lacks the permission."""


class LimitExceeded(Rejected):
    """The input passed a bound on size, time or depth."""


class TooManyAttempts(LimitExceeded):
    """Too many tries in a while: allowed again after `retry_after_seconds`."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Conflict(OverreadError):
    """The input contradicts the present state."""


class Unavailable(OverreadError):
    """The other side does not answer: worth a retry after `retry_after_seconds`."""

    def __init__(self, message: str, retry_after_seconds: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Defect(OverreadError):
    """Our own promise was broken: to be reported and mended, not retried."""
