"""From a client's arguments to its parts: configuration, transport, session, ports. Opens no connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, Union

from ._clock import Clock
from ._drive import Ports
from ._session import Session
from ._tokens import TokenSource
from ._url import BaseURL, parse_base_url
from ._values import Credential
from .config import ClientConfig, check_left_out
from .errors import RonConfigError
from .metrics import RequestMetrics
from .transport import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from .transport import Transport

__all__ = ["Parts", "assemble"]


class Parts:
    """What a client is made of."""

    __slots__ = ("config", "ports", "session", "url")

    def __init__(self, config: ClientConfig, session: Session, ports: Ports, url: Optional[BaseURL]) -> None:
        self.config = config
        self.session = session
        self.ports = ports
        self.url = url


def assemble(
    name: str,
    sync: bool,
    base_url: Optional[str],
    config: Optional[ClientConfig],
    token: Union[str, SecretStr, None],
    token_provider: Optional[Callable[[], Any]],
    transport: Union[str, Transport, None],
    clock: Optional[Clock],
    fields: dict[str, Any],
) -> Parts:
    """Puts a client together; ``name`` is its class's, for messages.

    Raises:
        RonConfigError: for whatever is wrong with the arguments, before anything is sent.
    """
    if token is not None and token_provider is not None:
        raise RonConfigError("token and token_provider are both given: give one of them")
    if token_provider is not None and not callable(token_provider):
        raise RonConfigError("token_provider must be callable: a function that returns the token")
    if config is not None and not isinstance(config, ClientConfig):
        raise RonConfigError(f"config must be a ClientConfig, not {type(config).__name__}")
    chosen = _transport(transport)
    local = not chosen.needs_url if chosen is not None else False
    if base_url is not None:
        fields["base_url"] = base_url
    if token is not None:
        fields["token"] = token
    if isinstance(transport, str):
        fields["transport"] = transport
    if config is None:
        config = ClientConfig() if base_url is not None or local else ClientConfig.from_env()
    config = config.with_overrides(**fields) if fields else config
    if token_provider is None:
        check_left_out(config)
    if chosen is None:
        chosen = _transport(config.transport)
        assert chosen is not None
    url = parse_base_url(config.base_url)
    if chosen.needs_url:
        _check_insecure(config, url)
    clock = Clock() if clock is None else clock
    endpoint = _endpoint(config, url, clock)
    session = _session(config, url, clock)
    if token_provider is not None:
        session.authority.renewable = True
    elif config.token is not None:
        session.authority.credential = Credential(config.auth_scheme, config.token)
    tokens = TokenSource(session.authority, config.auth_scheme, token_provider)
    open_channel = chosen.open_sync if sync else chosen.open_async
    ports = Ports(name, open_channel(endpoint), clock, tokens, RequestMetrics())
    return Parts(config, session, ports, url if chosen.needs_url or base_url is not None else None)


def _transport(transport: Union[str, Transport, None]) -> Optional[Transport]:
    """The transport meant; None where the configuration decides."""
    if transport is None:
        return None
    if isinstance(transport, str):
        if transport == "default":
            from .transport import LanesTransport

            return LanesTransport()
        if transport == "fast":
            from .transport import FastTransport

            return FastTransport()
        raise RonConfigError(f"transport must be 'default', 'fast' or a transport object, not {transport!r}")
    if not all(hasattr(transport, part) for part in ("open_async", "open_sync", "needs_url")):
        raise RonConfigError(
            f"transport must be a ron transport, not {type(transport).__name__}: wrap an httpx client or transport as "
            "ron.HttpxTransport(...)"
        )
    return transport


def _check_insecure(config: ClientConfig, url: BaseURL) -> None:
    if url.scheme == "http" and not config.allow_insecure_http:
        raise RonConfigError(
            f"{url.scheme}://{url.host}:{url.port} is not encrypted: use https://, or for local development say "
            "allow_insecure_http=True; where the URL comes from the environment, RON_SDK_ALLOW_INSECURE_HTTP=1 does "
            "as well"
        )


def _endpoint(config: ClientConfig, url: BaseURL, clock: Clock) -> Endpoint:
    return Endpoint(
        scheme=url.scheme,
        host=url.host,
        port=url.port,
        connect_timeout=config.connect_timeout_ms / 1000.0,
        read_timeout=config.read_timeout_ms / 1000.0,
        write_timeout=config.write_timeout_ms / 1000.0,
        max_concurrency=config.max_concurrency,
        max_streams=config.max_streams,
        max_response_bytes=config.max_response_bytes,
        verify=config.verify,
        clock=clock,
    )


def _session(config: ClientConfig, url: BaseURL, clock: Clock) -> Session:
    return Session(
        base_path=url.path,
        facet_prefix=config.facet_prefix,
        timeout=config.overall_timeout_ms / 1000.0,
        max_retries=config.max_retries,
        random=clock.random,
        new_id=clock.token_hex,
    )
