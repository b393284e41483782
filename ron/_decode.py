"""From an answer's bytes to values: plain JSON, or what a class declares. Nothing here may do I/O.

Error texts name the place (``items[3].price``) and what was expected; they never quote the payload.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import ValidationError

from ._json import NumberTooBig, check_numbers, read_json
from ._suggest import media_type
from .errors import RonParseError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._flow import Answer

__all__ = ["decode_plain", "decode_typed", "describe_errors", "parse_error"]

T_co = TypeVar("T_co", covariant=True)

MAX_ERRORS = 3
#: pydantic makes all of its descriptions at once, and a hostile page can hold millions of mistakes
MAX_DESCRIBED = 1000
MAX_PART = 40
_TOO_BIG = "holds a number beyond the range of a float"
#: pydantic error types whose texts quote what came in
_QUOTING = frozenset({"union_tag_invalid", "value_error", "assertion_error"})


class JsonValidator(Protocol[T_co]):
    """Anything with pydantic's ``validate_json``: a ``TypeAdapter``, or a model's validator."""

    def validate_json(self, data: bytes, /) -> T_co:
        """The value, or pydantic's ``ValidationError``."""
        ...


def decode_plain(answer: Answer) -> Any:
    """The JSON value of a body, as it came; None for an empty one.

    Raises:
        RonParseError: if it isn't JSON (RFC 8259): HTML, truncated, NaN, numbers beyond a float's range, lone
            surrogates, nested deeper than 200 levels, integers of more than 4300 digits.
    """
    body: bytes = answer.reply.body
    if not body:
        return None
    value: Any = None
    problem = ""
    try:
        value = read_json(body)
    except NumberTooBig:
        problem = _TOO_BIG
    except ValueError as error:
        problem = _not_json(answer, str(error))
    if problem:
        raise parse_error(answer, f"the body {problem}")
    return value


def decode_typed(answer: Answer, validator: JsonValidator[T_co], what: str) -> T_co:
    """The body as what was declared; ``what`` names that for the error, such as ``Item``.

    Raises:
        RonParseError: if the body isn't JSON or doesn't fit the declaration.
    """
    body: bytes = answer.reply.body
    try:
        check_numbers(body)
        return validator.validate_json(body)
    except NumberTooBig:
        problem = f"the body {_TOO_BIG}"
    except ValidationError as error:
        problem = describe_errors(error, quote=False)
        if error.error_count() == 1 and error.errors(include_input=False)[0]["type"] == "json_invalid":
            problem = "the body " + _not_json(answer, problem)
    except ValueError as error:
        problem = "the body " + _not_json(answer, str(error))
    raise parse_error(answer, f"the answer is no {what}: {problem}")


def parse_error(answer: Answer, text: str) -> RonParseError:
    """A ``RonParseError`` that knows the request it belongs to."""
    return RonParseError(
        f"{text} (status {answer.reply.status}, {len(answer.reply.body)} bytes)",
        request_id=answer.request_id,
        attempts=answer.attempts,
    )


def describe_errors(error: ValidationError, *, quote: bool) -> str:
    """The first places and reasons of a ``ValidationError`` in one line.

    ``quote`` allows texts of validators that may quote the value: right for the caller's own input, wrong for answers.
    """
    if error.error_count() > MAX_DESCRIBED:
        return f"{error.error_count()} places are not valid"
    found = error.errors(include_url=False, include_input=False, include_context=False)
    texts = []
    for one in found[:MAX_ERRORS]:
        hide = not quote and one["type"] in _QUOTING
        reason = f"is not valid ({one['type']})" if hide else one["msg"]
        place = _place(one["loc"])
        texts.append(f"{place}: {reason}" if place else reason)
    more = f"; and {len(found) - MAX_ERRORS} more" if len(found) > MAX_ERRORS else ""
    return "; ".join(texts) + more


def _place(loc: Iterable[Any]) -> str:
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = "".join(c if c.isprintable() else "?" for c in str(part)[:MAX_PART])
            text += f".{name}" if text else name
    return text


def _not_json(answer: Answer, reason: str) -> str:
    if not answer.reply.body:
        return "is empty"
    kind = answer.reply.header(b"content-type") or ""
    named = media_type(kind)
    if named and "json" not in kind:
        return f"is not JSON but {named}"
    position = re.search(r"at line \d+ column \d+", reason)
    return "is not valid JSON" + (f", {position.group()}" if position else "")
