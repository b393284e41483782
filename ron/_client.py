"""What both clients are: parts, views on them, and no I/O."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar, Optional, Union

from ._plan import checked_headers, checked_timeout
from ._secrets import bare, hidden
from ._setup import assemble
from ._suggest import shown
from .config import ClientConfig
from .errors import RonConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import SecretStr
    from typing_extensions import Self

    from ._clock import Clock
    from ._setup import Parts
    from .metrics import RequestMetrics
    from .transport import TlsInfo, Transport

__all__ = ["BaseClient"]


class BaseClient:
    """A client without its calls; ``is_sync`` says which colour the subclass has."""

    is_sync: ClassVar[bool]

    _parts: Parts
    _owner: bool

    def __init__(
        self,
        base_url: Optional[str] = None,
        *,
        config: Optional[ClientConfig] = None,
        token: Union[str, SecretStr, None] = None,
        token_provider: Optional[Callable[[], Any]] = None,
        transport: Union[str, Transport, None] = None,
        clock: Optional[Clock] = None,
        **fields: Any,
    ) -> None:
        token = hidden(token)
        refused: Optional[RonConfigError] = None
        try:
            self._assemble(base_url, config, token, token_provider, transport, clock, fields)
        except RonConfigError as error:
            refused = error
        if refused is not None:
            # A secret may be where it does not belong: misspelt, in the URL, given as its own provider.
            fields.clear()
            base_url = config = token = token_provider = transport = None
            raise bare(refused)

    def _assemble(
        self,
        base_url: Optional[str],
        config: Optional[ClientConfig],
        token: Union[str, SecretStr, None],
        token_provider: Optional[Callable[[], Any]],
        transport: Union[str, Transport, None],
        clock: Optional[Clock],
        fields: dict[str, Any],
    ) -> None:
        self._owner = True
        name = type(self).__name__
        self._parts = assemble(name, self.is_sync, base_url, config, token, token_provider, transport, clock, fields)
        self._session = self._parts.session
        self._ports = self._parts.ports

    @classmethod
    def from_env(cls, **fields: Any) -> Self:
        """A client configured by the environment (seed §4.1); ``fields`` are as for the constructor and win."""
        if "token" in fields:
            fields["token"] = hidden(fields["token"])
        try:
            return cls(config=ClientConfig.from_env(), **fields)
        finally:
            fields.clear()

    @property
    def config(self) -> ClientConfig:
        """The configuration in force."""
        return self._parts.config

    @property
    def metrics(self) -> RequestMetrics:
        """Counters of this client's logical calls."""
        return self._ports.metrics

    @property
    def is_closed(self) -> bool:
        """Whether this client, or the one it is a copy of, was closed."""
        return self._ports.closed

    @property
    def _client(self) -> Self:
        """Itself: the seed's snippet hands ``client._client`` to ``sse_event_stream``."""
        return self

    def tls_info(self) -> Optional[TlsInfo]:
        """What the newest TLS handshake with the node agreed on: protocol, cipher and key-exchange group.

        Returns:
            None before the first TLS connection, and over plain http; single parts are None where Python doesn't tell.

        Raises:
            RonConfigError: if the transport can't tell (``capabilities.tls_info`` is False).
        """
        tell = getattr(self._ports.channel, "tls_info", None)
        if tell is None:
            raise RonConfigError(
                "this client's transport does not tell what TLS agreed on: use transport='default', or ask the node"
            )
        info: Optional[TlsInfo] = tell()
        return info

    def with_options(
        self,
        *,
        timeout: Optional[float] = None,
        max_retries: Optional[int] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Self:
        """A client on the same connections with other limits; closing it does nothing.

        Args:
            timeout: seconds for a whole call.
            max_retries: repeats after the first attempt, 0 to 20.
            headers: fields to add to every request.
        """
        limit = isinstance(max_retries, int) and not isinstance(max_retries, bool) and 0 <= max_retries <= 20
        if max_retries is not None and not limit:
            raise RonConfigError(f"max_retries must be a whole number from 0 to 20, not {shown(max_retries)}")
        other = type(self).__new__(type(self))
        other._owner = False
        other._parts = self._parts
        other._ports = self._ports
        other._session = self._session.with_options(checked_timeout(timeout), max_retries, checked_headers(headers))
        return other

    def add_middleware(self, middleware: Any) -> None:
        """Adds an object with ``before(request)`` and/or ``after(request, response)``.

        ``before`` runs once a call and may return header fields to add; ``after`` runs when an answer came. On
        ``RonClient`` they may be async. They never see ``Authorization``. What they raise reaches the caller as it is.
        """
        hooks = [getattr(middleware, name, None) for name in ("before", "after")]
        if not any(callable(hook) for hook in hooks):
            raise RonConfigError("middleware must have a method before(request) or after(request, response)")
        if self.is_sync and any(inspect.iscoroutinefunction(hook) for hook in hooks):
            raise RonConfigError("this middleware is async: give plain functions to RonClientSync, or use RonClient")
        self._session.middleware.append(middleware)

    def _release(self) -> bool:
        """Marks an owning client closed and drops the token; tells whether there is a channel to close."""
        if not self._owner or self._ports.closed:
            return False
        self._ports.closed = True
        self._session.authority.credential = None
        if self._parts.config.token is not None:
            self._parts.config = self._parts.config.with_overrides(token=None)
        return True

    def __repr__(self) -> str:
        if not hasattr(self, "_ports"):  # a debugger shows a client whose arguments were refused
            return f"<{type(self).__name__} not made>"
        state = " closed" if self._ports.closed else ""
        where = "in-process" if self._parts.url is None else str(self._parts.url)
        return f"<{type(self).__name__} {where}{state}>"

    def __reduce__(self) -> Any:
        raise TypeError(
            f"a {type(self).__name__} does not pickle: send its config (which pickles without the token) and build "
            "a new client in the other process, with from_env() or a token_provider"
        )

    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError(
            f"a {type(self).__name__} does not deep-copy: share it, or make another with with_options() or from its "
            "config"
        )
