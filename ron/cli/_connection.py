"""Which node a command talks to, from its options and the environment, and the client for it."""

from __future__ import annotations

import functools
import sys
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

import click

from ._failure import Refusal
from ._screen import Screen
from ._secrecy import ADVICE, TOKEN_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..client import RonClientSync
    from ..config import ClientConfig
    from ..testing import MemoryNode

__all__ = ["Connection", "connected"]

MICRONODE = {"auth_scheme": "Macro", "facet_prefix": "/facets"}


@dataclass(frozen=True)
class Connection:
    """What the options said; None where they said nothing, and the environment or a default decides."""

    url: Optional[str] = None
    timeout: Optional[float] = None
    retries: Optional[int] = None
    auth_scheme: Optional[str] = None
    facet_prefix: Optional[str] = None
    micronode: bool = False
    ca_file: Optional[str] = None
    insecure_http: bool = False
    ask_token: bool = False
    memory: bool = False
    serve: tuple[str, ...] = ()
    seed: Optional[str] = None

    def __post_init__(self) -> None:
        if not self.memory and (self.serve or self.seed):
            raise Refusal(f"{'--serve' if self.serve else '--seed'} goes with --memory, the node in this process")
        if self.memory and (self.url or self.ask_token):
            raise Refusal("--memory is a node in this process: leave --url and --ask-token out")

    def config(self, screen: Screen, *, opt_in: bool = True) -> ClientConfig:
        """The configuration in force; asks for a token where that is wanted.

        ``opt_in`` says whether plain http needs somebody's word.

        Raises:
            RonConfigError: naming the variable or the field that is wrong.
        """
        from .._secrets import hidden
        from ..config import ClientConfig

        if self.url is not None:
            _check_url(self.url)
        config = ClientConfig.from_env()
        if config.token is not None:
            screen.secrets.append(config.token)
        given = self._overrides()
        left_out = config.token is not None and given.get("base_url", config.base_url) != config.base_url
        config = config.with_overrides(**given)
        if self.ask_token:
            token = hidden(_asked())
            screen.secrets.append(token)
            config = config.with_overrides(token=token)
        elif left_out:
            screen.note(
                f"ron: {TOKEN_VARIABLE} belongs to the URL of the environment and is not sent to --url: set "
                "RON_APP_URL to this one, or use --ask-token"
            )
        if opt_in:
            _check_insecure(config)
        return config

    def client(self, screen: Screen, *resources: type[Any], node: Optional[MemoryNode] = None) -> RonClientSync:
        """A client for the node; with ``--memory`` for ``node``, else one that serves the resources and ``--serve``."""
        from ..client import RonClientSync

        if not self.memory:
            return RonClientSync(config=self.config(screen))
        return RonClientSync(transport=node or self.node(*resources), **self._overrides())

    def node(self, *resources: type[Any]) -> MemoryNode:
        """The node in this process, its seed planted."""
        from ._memory import memory_node

        node = memory_node(resources, self.serve)
        self.plant(node, *resources)
        return node

    def plant(self, node: MemoryNode, *resources: type[Any]) -> None:
        """Adds the objects of ``--seed``, if there is one."""
        if self.seed is not None:
            from ._memory import seeded, served

            node.add(*seeded(served(resources, self.serve), self.seed))

    def _overrides(self) -> dict[str, Any]:
        given: dict[str, Any] = {
            "base_url": self.url,
            "overall_timeout_ms": None if self.timeout is None else max(1, round(self.timeout * 1000)),
            "max_retries": self.retries,
            "verify": self.ca_file,
            "auth_scheme": self.auth_scheme,
            "facet_prefix": self.facet_prefix,
            "allow_insecure_http": True if self.insecure_http else None,
        }
        chosen = {name: value for name, value in given.items() if value is not None}
        return {**MICRONODE, **chosen} if self.micronode else chosen


def _asked() -> str:
    """The token, typed unseen. Raises ``Refusal`` where there is no terminal to ask on."""
    from getpass import GetPassWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", GetPassWarning)
            text: str = click.prompt("Token", hide_input=True, err=True)
    except GetPassWarning:
        pass
    except click.Abort:
        if sys.stdin is not None and sys.stdin.isatty():
            raise
    else:
        return text
    raise Refusal("--ask-token asks on a terminal, and there is none: set RON_APP_TOKEN and RON_APP_URL instead")


def _check_url(url: str) -> None:
    """What is wrong with a URL that was given as an argument, in the command's own terms."""
    from .._url import parse_base_url

    if "@" in url:
        raise Refusal(f"the URL holds user information before '@': leave it out; {ADVICE}")
    parse_base_url(url, source="the URL")


def _check_insecure(config: ClientConfig) -> None:
    """The client would refuse it as well, and name what Python code writes."""
    from .._url import parse_base_url

    url = parse_base_url(config.base_url)
    if url.scheme == "http" and not config.allow_insecure_http:
        if "base_url" not in config.model_fields_set:
            raise Refusal("no node is named: set RON_APP_URL, or give --url (or --memory for a node in this process)")
        raise Refusal(
            f"{url} is not encrypted: use https://, or for local development --insecure-http or "
            "RON_SDK_ALLOW_INSECURE_HTTP=1"
        )


_OPTIONS = {
    "url": click.option(
        "--url",
        metavar="URL",
        help=(
            f"The gateway's URL, instead of the environment's. {TOKEN_VARIABLE} belongs to the URL of the environment "
            "and is not sent to another one: set RON_APP_URL, or use --ask-token."
        ),
    ),
    "ask_token": click.option("--ask-token", is_flag=True, help="Ask for the token, unseen."),
    "insecure_http": click.option(
        "--insecure-http", is_flag=True, help="Accept a plain http:// URL; for local development."
    ),
    "ca_file": click.option(
        "--ca-file", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="A CA bundle (PEM) to trust."
    ),
    "timeout": click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.FloatRange(0.001, 86400),
        help="Of a whole call, all attempts included.",
    ),
    "retries": click.option(
        "--retries", metavar="N", type=click.IntRange(0, 20), help="Repeats after the first attempt."
    ),
    "micronode": click.option(
        "--micronode", is_flag=True, help="Talk to a micronode directly: facets below /facets, scheme Macro."
    ),
    "auth_scheme": click.option("--auth-scheme", metavar="WORD", help="The word before the token, by default Bearer."),
    "facet_prefix": click.option("--facet-prefix", metavar="PATH", help="Where facets are mounted, by default /app."),
    "memory": click.option(
        "--memory", is_flag=True, help="Use a node in this process instead, made from the declarations."
    ),
    "serve": click.option(
        "--serve", metavar="MODULE[:NAME]", multiple=True, help="With --memory: further resources that it serves."
    ),
    "seed": click.option(
        "--seed", metavar="FILE", help="With --memory: the objects that it holds, JSON or a JSON a line."
    ),
}


def connected(*, without: Sequence[str] = ()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command the options of a connection but for some; it takes them as one argument, ``connection``."""
    options = {name: option for name, option in _OPTIONS.items() if name not in without}

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*arguments: Any, **given: Any) -> Any:
            connection = Connection(**{name: given.pop(name) for name in options})
            return function(*arguments, connection=connection, **given)

        command: Callable[..., Any] = wrapped
        for option in reversed(list(options.values())):
            command = option(command)
        return command

    return declare
