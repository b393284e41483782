"""Where credentials come from: a fixed token, or a provider that is asked when one is needed.

The provider is called on first use and after a 401, one call at a time (single flight), and what it gives is cached in
the session. Nothing it raises is shown beyond the exception's type: its text may quote the token.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from typing import TYPE_CHECKING, Any, Optional

from ._drive import look_at
from ._locks import ProcessLock
from ._secrets import checked_token, hidden
from ._values import Credential
from .errors import RonConfigError, RonError, RonTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._clock import Clock
    from ._session import Authority

__all__ = ["TokenSource"]


class TokenSource:
    """A client's credential: set at once from a token, or by asking ``provider`` (sync, or for async clients async)."""

    def __init__(self, authority: Authority, scheme: str, provider: Optional[Callable[[], Any]]) -> None:
        self._authority = authority
        self._scheme = scheme
        self._provider = provider
        self._lock = ProcessLock()
        self._flight: Optional[_Flight] = None

    async def fetch_async(self, stale: Optional[Credential], deadline: float, clock: Clock) -> Credential:
        """A credential other than ``stale`` if the provider has one; raises ``RonTimeoutError`` at ``deadline``."""
        current = self._authority.credential
        if current is not None and not current.same_as(stale):
            return current
        flight = self._flight
        if flight is None or flight.task.done() or flight.task.get_loop() is not asyncio.get_running_loop():
            flight = self._flight = _Flight(asyncio.ensure_future(self._ask_async()))
        task = flight.task
        flight.waiting += 1
        try:
            await asyncio.wait({task}, timeout=max(0.0, deadline - clock.monotonic()))
        finally:
            flight.waiting -= 1
            if flight.waiting == 0 and not task.done():
                task.cancel()
                if self._flight is flight:
                    self._flight = None
        if not task.done():
            raise _too_late()
        if self._flight is flight:
            self._flight = None  # what the provider returned is in the frames of a failed task
        if task.cancelled():
            raise _provider_failed("CancelledError")
        error = task.exception()
        if isinstance(error, RonError):
            raise copy.copy(error)  # one for each waiting call, which will write its own attempts into it
        return task.result()

    def fetch_sync(self, stale: Optional[Credential], deadline: float, clock: Clock) -> Credential:
        """See ``fetch_async``. A provider that is at work cannot be interrupted: the deadline is looked at
        afterwards.
        """
        lock = self._lock.here()
        if not lock.acquire(timeout=max(0.0, deadline - clock.monotonic())):
            raise _too_late()
        try:
            current = self._authority.credential
            if current is not None and not current.same_as(stale):
                return current
            credential = self._keep(self._ask_sync())
        finally:
            lock.release()
        if clock.monotonic() >= deadline:
            raise _too_late()
        return credential

    async def _ask_async(self) -> Credential:
        assert self._provider is not None
        failed: Optional[str] = None
        token: Any = None
        try:
            token = hidden(self._provider())
            if inspect.isawaitable(token):
                token = hidden(await token)
        except Exception as error:  # noqa: BLE001 - whatever it was, only its type is told
            failed = type(error).__name__
        if failed is not None:
            raise _provider_failed(failed)
        return self._keep(token)

    def _ask_sync(self) -> Any:
        assert self._provider is not None
        failed: Optional[str] = None
        token: Any = None
        try:
            token = hidden(self._provider())
        except Exception as error:  # noqa: BLE001 - whatever it was, only its type is told
            failed = type(error).__name__
        if failed is not None:
            raise _provider_failed(failed)
        if inspect.isawaitable(token):
            if inspect.iscoroutine(token):
                token.close()
            raise RonConfigError(
                "token_provider is async, but this client is sync: give a plain function, or use RonClient"
            )
        return token

    def _keep(self, token: Any) -> Credential:
        secret = checked_token(token, "what token_provider returned")
        if secret is None:
            raise RonConfigError("token_provider returned None: it must return a str or a SecretStr")
        self._authority.credential = Credential(self._scheme, secret)
        return self._authority.credential

    def __repr__(self) -> str:
        return "TokenSource(**********)"

    def __reduce__(self) -> Any:
        raise TypeError(
            "a token source does not pickle: build the client anew in the other process, with RonClient.from_env() "
            "or a token_provider"
        )

    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("a token source does not deep-copy: share the client that it belongs to")


class _Flight:
    """One question to the provider, and how many calls wait for its answer."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Task[Credential]) -> None:
        self.task = task
        self.waiting = 0
        task.add_done_callback(look_at)


def _too_late() -> RonTimeoutError:
    return RonTimeoutError("token_provider did not return before the call's deadline")


def _provider_failed(name: str) -> RonConfigError:
    return RonConfigError(f"token_provider raised {name}; its text is not shown because it may hold the token")
