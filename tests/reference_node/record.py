"""Requests as they arrived, as frozen values for assertions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Optional

from starlette.types import Scope


@dataclass(frozen=True)
class Seen:
    """One request as the node received it.

    `path` keeps its percent-encoding; `query` is the raw query string; header names are lower-case,
    in the order of arrival. Headers stay out of the repr because they may hold a token.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> Optional[str]:
        """Return the first value of a header, None when it is absent."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    def header_list(self, name: str) -> list[str]:
        """Return every value of a header, in the order of arrival."""
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def json(self) -> Any:
        """The body as JSON; raises ValueError when it isn't."""
        return json.loads(self.body)

    @property
    def correlation_id(self) -> Optional[str]:
        """The id that a Problem of the documents names."""
        return self.header("x-correlation-id") or self.header("x-request-id")


def seen(scope: Scope, body: bytes) -> Seen:
    """Return the request of an ASGI scope as a value."""
    return Seen(
        method=scope["method"],
        path=scope["raw_path"].decode("ascii"),
        query=scope["query_string"].decode("ascii"),
        headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]),
        body=body,
    )
