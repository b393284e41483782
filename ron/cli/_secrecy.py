"""Tokens never come from an argument, where other users' ``ps`` and the shell's history see them.

What looks like an attempt is refused before anything is parsed, so that no message can quote it.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ADVICE", "TOKEN_VARIABLE", "token_in"]

TOKEN_VARIABLE = "RON_APP_TOKEN"  # noqa: S105 - a variable's name, no token
ADVICE = f"set {TOKEN_VARIABLE} in the environment, or use --ask-token"
#: below this a token is no secret, and its text would be found in any argument (see ron._redaction)
_SHORTEST = 6
_OPTION = re.compile(
    r"--?(app-|access-|auth-|bearer-)?(token|bearer|authorization|auth|capability|macaroon|password)(=.*)?"
)
_HEADER = re.compile(r"(-H|--header=)?\s*((proxy-)?authorization|cookie)\s*:.*", re.IGNORECASE | re.DOTALL)
_CREDENTIAL = re.compile(r"(bearer|macro|basic)\s+\S.*", re.IGNORECASE | re.DOTALL)
_QUERY = re.compile(r"(-q|--query=)?(access_token|authorization|bearer)=.*", re.IGNORECASE | re.DOTALL)


def token_in(arguments: Sequence[str]) -> Optional[str]:
    """Why these arguments are refused; None if there is no token in them. Never quotes more than an option's name."""
    known = os.environ.get(TOKEN_VARIABLE, "")
    for argument in arguments:
        if len(known) >= _SHORTEST and known in argument:
            return f"an argument holds the value of {TOKEN_VARIABLE}: leave it out, it is sent by itself"
        option = _OPTION.fullmatch(argument)
        if option is not None:
            return f"there is no {argument.partition('=')[0]}: tokens are not taken from arguments; {ADVICE}"
        if _HEADER.fullmatch(argument):
            return f"an authorization or cookie header is not taken from arguments: {ADVICE}"
        if _CREDENTIAL.fullmatch(argument) or _QUERY.fullmatch(argument):
            return f"an argument looks like a credential: tokens are not taken from arguments; {ADVICE}"
    return None
