"""How a token is held, and how errors let go of what held one. Nothing here may do I/O."""

from __future__ import annotations

import re
from typing import Any, Optional, TypeVar, Union

from pydantic import SecretStr

from .errors import RonConfigError

__all__ = ["bare", "checked_token", "hidden"]

E = TypeVar("E", bound=BaseException)

_TOKEN = re.compile(r"[\x21-\x7e]+")


def hidden(token: Any) -> Any:
    """A token that nothing shows, checked or not: no variable that a traceback can reach holds the bare one."""
    return SecretStr(token) if isinstance(token, str) else token


def checked_token(token: Union[str, SecretStr, None], source: str) -> Optional[SecretStr]:
    """A token as ``SecretStr``; None stays None.

    Raises:
        RonConfigError: if it isn't one or more printable ASCII characters without blanks. Never shows the token.
    """
    if token is None:
        return None
    secret, token = hidden(token), None
    if not isinstance(secret, SecretStr):
        raise RonConfigError(f"{source} must be a str or a SecretStr, not {type(secret).__name__}")
    if not _TOKEN.fullmatch(secret.get_secret_value()):
        raise RonConfigError(
            f"{source} is no token: it is empty, or holds a blank, a line end or a character outside printable "
            f"ASCII (length {len(secret.get_secret_value())}); strip it where you read it"
        )
    return secret


def bare(error: E) -> E:
    """The error without the frames and the chain that it came with, which hold what was sent, received or refused."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)
