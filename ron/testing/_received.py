"""A request as the node received it: what tests look at. It never holds a token."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional, Union
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._values import Credential, Exchange

__all__ = ["Received", "received"]


@dataclass(frozen=True)
class Received:
    """One request.

    Attributes:
        method: in upper case.
        path: as sent, percent-encoded, without the query.
        query: parameters by name; of a name that is repeated, the list of its values.
        headers: fields by lower-case name, the last of repeated ones. ``authorization`` shows the
            scheme only: ``"Bearer [redacted]"``.
        body: the bytes of the body.
    """

    method: str
    path: str
    query: Mapping[str, Union[str, list[str]]]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The body's JSON value, None without a body. Raises ``ValueError`` if it is no JSON."""
        return json.loads(self.body) if self.body else None

    def header(self, name: str) -> Optional[str]:
        """A field's value, whatever the case of ``name``; None if it was not sent."""
        return self.headers.get(name.lower())

    def values(self) -> dict[str, list[str]]:
        """The query's parameters, always as lists."""
        return {name: value if isinstance(value, list) else [value] for name, value in self.query.items()}


def received(exchange: Exchange, credential: Optional[Credential]) -> Received:
    """The record of an exchange."""
    path, _, query = exchange.target.partition(b"?")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in exchange.headers}
    if credential is not None:
        headers["authorization"] = f"{credential.scheme} [redacted]"
    parameters: dict[str, Union[str, list[str]]] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        before = parameters.get(name)
        if before is None:
            parameters[name] = value
        else:
            parameters[name] = [*(before if isinstance(before, list) else [before]), value]
    return Received(exchange.method, path.decode("latin-1"), parameters, headers, exchange.body)
