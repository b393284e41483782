"""What a list or a stream is asked for: filters and pages. Nothing here may do I/O.

A filter by a declared field is equality in the JSON form; a name that is repeated stands for any of
its values. Real nodes ignore parameters that they don't know: here they are refused, so that a test
finds them.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from pydantic import TypeAdapter, ValidationError

from .._decode import describe_errors
from .._suggest import did_you_mean, listed
from ..errors import RonConfigError
from ._answers import Refused, problem, to_json
from ._fields import from_text, names_of, wire_text
from ._hooks import call_hook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..resources._description import Description
    from ._store import Place

    Test = Callable[[Any], bool]

__all__ = ["PAGING", "FilterHooks", "Filters", "PageQuery"]

DEFAULT_SIZE = 50
MAX_SIZE = 1000
PAGING = ("page_size", "page_token")


class FilterHooks:
    """The functions that answer a resource's declared filters: ``fn(item, value) -> bool``."""

    def __init__(self, description: Description, hooks: Mapping[str, Callable[[Any, Any], bool]]) -> None:
        for name in hooks:
            if name not in description.filters:
                raise RonConfigError(
                    f"MemoryNode(filters={{{description.name}: ...}}): {description.name} declares "
                    f"no filter {name!r}{did_you_mean(name, description.filters)}; it declares "
                    f"{listed(description.filters)}"
                )
        self._hooks = dict(hooks)
        self._adapters: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(description.filters[name]) for name in hooks}

    def test(self, name: str, texts: list[str]) -> Optional[Test]:
        """The test that a filter with these values is; None if there is no such filter."""
        if name not in self._hooks:
            return None
        hook, value = self._hooks[name], self._value(name, texts)
        where = f"the filter {name!r} given to MemoryNode"
        return lambda item: bool(call_hook(where, hook, item, value))

    def _value(self, name: str, texts: list[str]) -> Any:
        reason = ""
        for given in (texts[0], texts) if len(texts) == 1 else (texts,):
            try:
                return self._adapters[name].validate_python(given)
            except ValidationError as error:
                reason = reason or describe_errors(error, quote=False)
        raise Refused(problem(400, f"filter {name!r}: {reason}"))


class Filters:
    """The filters of one request."""

    def __init__(
        self,
        description: Description,
        hooks: FilterHooks,
        query: Mapping[str, list[str]],
        others: tuple[str, ...] = (),
    ) -> None:
        self._description = description
        self._equal: dict[str, list[Any]] = {}
        self._tests: list[Test] = []
        names = names_of(description)
        for wire, texts in query.items():
            if wire in others:
                continue
            test = hooks.test(wire, texts)
            if test is not None:
                self._tests.append(test)
            elif wire in names:
                self._equal[wire] = self._values(names[wire], texts)
            else:
                raise Refused(problem(400, _no_filter(description, wire), "unknown_filter"))

    def _values(self, name: str, texts: list[str]) -> list[Any]:
        if _is_list(self._description, name):
            return [texts]
        return [from_text(self._description, name, text, "filter") for text in texts]

    def __bool__(self) -> bool:
        return bool(self._equal or self._tests)

    def match(self, fields: Mapping[str, Any]) -> bool:
        """Whether an object, by wire names, is asked for."""
        for wire, values in self._equal.items():
            have = fields.get(wire)
            if isinstance(have, list):
                have = [wire_text(one) for one in have]
            if wire not in fields or have not in values:
                return False
        if not self._tests:
            return True
        item = self._description.cls.__pydantic_validator__.validate_json(to_json(fields))
        return all(test(item) for test in self._tests)


def _is_list(description: Description, name: str) -> bool:
    annotation = description.cls.model_fields[name].annotation
    return getattr(annotation, "__origin__", annotation) in (list, tuple, set, frozenset)


def _no_filter(description: Description, wire: str) -> str:
    if wire in description.filters:
        return (
            f"this node has no filter {wire!r}: give it one as MemoryNode({description.name}, "
            f"filters={{{description.name}: {{{wire!r}: lambda item, value: ...}}}})"
        )
    names = names_of(description)
    return f"this node has no filter {wire!r}{did_you_mean(wire, names)}"


class PageQuery(NamedTuple):
    """Which page is asked for. ``after`` is the position behind which it begins."""

    size: int
    after: int
    fingerprint: str

    @classmethod
    def read(cls, query: Mapping[str, list[str]], resource: str, place: Place) -> PageQuery:
        """From a request's parameters; 400 for a size or token that is none.

        A token holds only for the query that it came with; the size may change.
        """
        rest = sorted((name, texts) for name, texts in query.items() if name not in PAGING)
        digest = hashlib.sha256(to_json([resource, place, rest])).hexdigest()[:16]
        size = query.get("page_size", [str(DEFAULT_SIZE)])[-1]
        if not (size.isascii() and size.isdigit() and 0 < len(size) < 10 and int(size) > 0):
            raise Refused(problem(400, "page_size must be a whole number of at least 1"))
        after = 0
        if "page_token" in query:
            after = _read_token(query["page_token"][-1], digest)
        return cls(min(int(size), MAX_SIZE), after, digest)

    def token(self, position: int) -> str:
        """The token of the page that begins behind ``position``."""
        text = to_json([self.fingerprint, position])
        return base64.urlsafe_b64encode(text).decode("ascii").rstrip("=")


def _read_token(token: str, fingerprint: str) -> int:
    owner, position = None, None
    with contextlib.suppress(binascii.Error, ValueError, TypeError):
        owner, position = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    if not isinstance(owner, str) or not isinstance(position, int):
        raise Refused(problem(400, "page_token is not one of this node", "bad_page_token"))
    if owner != fingerprint:
        raise Refused(problem(400, "page_token belongs to another query", "bad_page_token"))
    return position
