"""Every error that ``ron`` raises, in one tree.

::

    RonError                              .request_id .attempts .retry_after
    ├─ RonConfigError                     wrong use or configuration; nothing was sent
    │   ├─ RonInputError                  the data given doesn't fit the declaration; nothing was sent
    │   └─ RonUnassignedError             (AttributeError) a field the node hasn't assigned yet
    ├─ RonNetworkError                    the node was not reached, or the answer did not arrive whole
    │   ├─ RonTimeoutError                (TimeoutError) a timeout or the overall deadline passed
    │   ├─ RonOutcomeUnknownError         a write may have happened; .idempotency_key .problem
    │   └─ RonResponseTooLargeError       the answer passed max_response_bytes
    ├─ RonParseError                      an answer arrived that is not what was declared
    │   └─ RonPaginationError             page tokens repeat or run in a cycle; .checkpoint
    ├─ RonWatchError                      a watch gave up; .cursor
    ├─ RonBulkError                       raised by raise_for_failed(); .result
    └─ RonProblemError                    the node answered with an error: .problem .status_code
        ├─ RonInvalidError                400, 422
        ├─ RonAuthError                   401
        │   └─ RonPermissionError         403, 451
        ├─ RonNotFoundError               404, 405; .route_missing
        ├─ RonConflictError               409; .local .base .remote .remote_error
        │   └─ RonPreconditionError       412
        ├─ RonGoneError                   410
        ├─ RonRateLimitError              429
        └─ RonServerError                 5xx

All of them pickle. None of them ever holds a token, a request or a raw body, and none is chained to an exception
of the libraries underneath.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from ._problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Problem",
    "RonAuthError",
    "RonBulkError",
    "RonConfigError",
    "RonConflictError",
    "RonError",
    "RonGoneError",
    "RonInputError",
    "RonInvalidError",
    "RonNetworkError",
    "RonNotFoundError",
    "RonOutcomeUnknownError",
    "RonPaginationError",
    "RonParseError",
    "RonPermissionError",
    "RonPreconditionError",
    "RonProblemError",
    "RonRateLimitError",
    "RonResponseTooLargeError",
    "RonServerError",
    "RonTimeoutError",
    "RonUnassignedError",
    "RonWatchError",
]


class RonError(Exception):
    """Base of all errors of this package; catch it to catch everything that a call can raise.

    Attributes:
        request_id: the id that was sent as ``X-Request-Id`` (or that the node answered with), None if nothing was sent.
        attempts: how many times the request was handed to the transport; 0 means that nothing was sent.
        retry_after: seconds after which the node asked to be tried again, None if it did not say.
        checkpoint: in a listing, the token of the page that was being consumed; None elsewhere.
    """

    request_id: Optional[str] = None
    attempts: int = 0
    retry_after: Optional[float] = None
    checkpoint: Optional[str] = None

    def __init__(
        self,
        message: str = "",
        *,
        request_id: Optional[str] = None,
        attempts: int = 0,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(message)
        self.request_id = request_id
        self.attempts = attempts
        self.retry_after = retry_after

    @property
    def message(self) -> str:
        """The error's text, safe to log."""
        return str(self.args[0]) if self.args else ""


class RonConfigError(RonError):
    """Raised when ``ron`` is used or configured wrongly, before anything is sent."""


class RonInputError(RonConfigError):
    """Raised when data given by the caller doesn't fit the declaration, before anything is sent."""


class RonUnassignedError(RonConfigError, AttributeError):
    """Raised when a ``server()`` field is read before the node has assigned it."""


class RonNetworkError(RonError):
    """Raised when the node could not be reached, or its answer did not arrive whole.

    Attributes:
        maybe_sent: whether the last attempt's request may have reached the node; False if it was never sent.
        permanent: whether asking again can't help: a certificate that is not accepted, an answer over its bound.
    """

    maybe_sent: bool = False
    permanent: bool = False


class RonTimeoutError(RonNetworkError, TimeoutError):
    """Raised when a timeout or the overall deadline passed, and nothing can have happened on the node."""


class RonOutcomeUnknownError(RonNetworkError):
    """Raised when a write may have happened: its last attempt was sent, but no answer says what came of it.

    Attributes:
        idempotency_key: the key that every attempt carried; repeat the call with it if the service honours keys.
        problem: the node's Problem where there was one (a conditional write answered 412 on a repeat), else None.
        timed_out: whether it was a timeout or the deadline that ended the call.
    """

    maybe_sent: bool = True
    idempotency_key: Optional[str] = None
    problem: Optional[Problem] = None
    timed_out: bool = False

    def __init__(
        self,
        message: str = "",
        *,
        idempotency_key: Optional[str] = None,
        problem: Optional[Problem] = None,
        timed_out: bool = False,
        **common: Any,
    ) -> None:
        super().__init__(message, **common)
        self.idempotency_key = idempotency_key
        self.problem = problem
        self.timed_out = timed_out


class RonResponseTooLargeError(RonNetworkError):
    """Raised when an answer, compressed or not, or one event of a stream passes its limit in bytes."""

    maybe_sent: bool = True
    permanent: bool = True


class RonParseError(RonError):
    """Raised when an answer arrived that is not what was declared; its text never quotes the payload."""


class RonPaginationError(RonParseError):
    """Raised when page tokens repeat or run in a cycle; ``checkpoint`` is the last token that was good."""


class RonWatchError(RonError):
    """Raised when a watch gave up.

    Attributes:
        cursor: the last committed position; give it back as ``watch(cursor=...)`` to go on from there.
    """

    cursor: Optional[str] = None

    def __init__(self, message: str = "", *, cursor: Optional[str] = None, **common: Any) -> None:
        super().__init__(message, **common)
        self.cursor = cursor


class RonBulkError(RonError):
    """Raised by ``BulkResult.raise_for_failed()`` when at least one of many calls failed; ``result`` has them all."""

    result: Any = None

    def __init__(self, message: str = "", *, result: Any = None, **common: Any) -> None:
        super().__init__(message, **common)
        self.result = result


class RonProblemError(RonError):
    """Raised when the node answered with an error status (or a redirect, which is never followed).

    Attributes:
        problem: the node's :class:`Problem`; where the answer was text, HTML or empty, a safe generic one.
        status_code: the HTTP status.
    """

    problem: Problem
    status_code: int = 0

    def __init__(
        self,
        message: str = "",
        *,
        problem: Optional[Problem] = None,
        status_code: int = 0,
        **common: Any,
    ) -> None:
        super().__init__(message, **common)
        self.problem = Problem() if problem is None else problem
        self.status_code = status_code


class RonInvalidError(RonProblemError):
    """Raised on 400 and 422: the node says that the request is not acceptable as it stands."""


class RonAuthError(RonProblemError):
    """Raised on 401 (and as its subclass on 403/451): refresh the capability, check its scopes."""


class RonPermissionError(RonAuthError):
    """Raised on 403 and 451: the node's policy denies the call; the token itself may be fine (protocol.md)."""


class RonNotFoundError(RonProblemError):
    """Raised on 404 and 405.

    Attributes:
        route_missing: True when the answer speaks of the route, not of the object: an empty 404, or a 405.
    """

    route_missing: bool = False


class RonConflictError(RonProblemError):
    """Raised on 409: the object's state does not allow this; never retried.

    After a ``save``, ``replace``, ``update`` or ``modify`` it says what is in conflict. Its text holds none of it;
    pickles and copies lose what cannot be pickled.

    Attributes:
        local: what was to be written: the object, or the patch of an ``update``.
        base: the object as it was when it was read; None for a new one and for an ``update``.
        remote: the object as it is now, read again after the conflict; None if it could not be read.
        remote_error: why ``remote`` is None, such as a ``RonNotFoundError`` because it is gone.
    """

    local: Any = None
    base: Any = None
    remote: Any = None
    remote_error: Optional[RonError] = None

    def __reduce__(self) -> Any:
        import pickle  # only for an error on its way to another process

        state = dict(self.__dict__)
        for name in ("local", "base", "remote"):
            try:
                pickle.dumps(state.get(name))
            except Exception:  # noqa: BLE001 - a class of the caller's may raise anything
                state[name] = None
        return type(self), self.args, state


class RonPreconditionError(RonConflictError):
    """Raised on 412: the object has changed since its ETag was read."""


class RonGoneError(RonProblemError):
    """Raised on 410: what was asked for, an object or a cursor, is gone for good."""


class RonRateLimitError(RonProblemError):
    """Raised on 429 when the retries allowed are used up or the node's hint is too far away."""


class RonServerError(RonProblemError):
    """Raised on 5xx when the retries allowed are used up, or must not be made."""


_BY_STATUS: Mapping[int, type[RonProblemError]] = {
    400: RonInvalidError,
    401: RonAuthError,
    403: RonPermissionError,
    404: RonNotFoundError,
    405: RonNotFoundError,
    409: RonConflictError,
    410: RonGoneError,
    412: RonPreconditionError,
    422: RonInvalidError,
    429: RonRateLimitError,
    451: RonPermissionError,
}


def problem_error_class(status: int) -> type[RonProblemError]:
    """The class for an HTTP status (the tree above)."""
    if status >= 500:
        return RonServerError
    return _BY_STATUS.get(status, RonProblemError)
