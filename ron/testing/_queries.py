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
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from pydantic import TypeAdapter, ValidationError

from .._decode import describe_errors
from .._suggest import did_you_mean, listed
from ..errors import RonConfigError
from ._answers import Refused, problem, to_json
from ._fields import adapters_of, from_text, names_of, wire_text
from ._hooks import call_hook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..resources._description import Description, Selection
    from ._store import Document, Place

    Test = Callable[[Any], bool]

__all__ = ["FilterHooks", "Filters", "PageQuery", "Query"]

DEFAULT_SIZE = 50
MAX_SIZE = 1000


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
    ) -> None:
        self._description = description
        self._equal: dict[str, list[Any]] = {}
        self._tests: list[Test] = []
        names = names_of(description)
        for wire, texts in query.items():
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


class Query:
    """The parameters of one request: which are filters, which order it, which fields it asks for.

    Refuses (400) an ordering and a choice of fields that the resource does not declare.
    """

    def __init__(self, description: Description, values: dict[str, list[str]]) -> None:
        pages, order, selection = description.pages, description.order_by, description.selection
        params = {one.param for one in (order, selection) if one is not None}
        self._description = description
        self.values = values
        self.filters = {
            name: texts
            for name, texts in values.items()
            if name not in params and name not in (pages.param, pages.size_param)
        }
        self._order = self._names(order, values)
        self._selected = {name for name, _ in self._names(selection, values)}

    @property
    def is_ordered(self) -> bool:
        """Whether an order was asked for."""
        return bool(self._order)

    @property
    def is_selected(self) -> bool:
        """Whether only some fields were asked for."""
        return bool(self._selected)

    def _names(self, declared: Optional[Selection], values: Mapping[str, list[str]]) -> list[tuple[str, bool]]:
        """The fields that a parameter names, and whether each stands behind a ``-``."""
        if declared is None or declared.param not in values:
            return []
        names = names_of(self._description)
        found: list[tuple[str, bool]] = []
        for text in values[declared.param][-1].split(","):
            down = text.startswith("-") and declared is self._description.order_by
            name = names.get(text[1:] if down else text, "")
            always = declared is not self._description.order_by and name in (
                *self._description.keys,
                *self._description.parameters,
            )
            if name not in declared.names and not always:
                raise Refused(problem(400, f"{declared.param}: there is no {text!r}", "unknown_field"))
            found.append((name, down))
        return found

    def ordered(self, documents: list[Document]) -> list[Document]:
        """The documents in the order asked for, by the fields' own types; those without a value last."""
        for name, down in reversed(self._order):
            adapter, wire = adapters_of(self._description)[name], self._description.fields[name]

            def value(document: Document, wire: str = wire, adapter: TypeAdapter[Any] = adapter) -> Any:
                return adapter.validate_python(document.fields[wire])

            have = [one for one in documents if one.fields.get(wire) is not None]
            rest = [one for one in documents if one.fields.get(wire) is None]
            try:
                documents = [*sorted(have, key=value, reverse=down), *rest]
            except TypeError:
                raise Refused(problem(400, f"{wire!r} has no order", "unknown_order")) from None
        return documents

    def body_of(self, document: Document) -> bytes:
        """An object as JSON: the fields asked for, or all, which are written already."""
        if not self._selected:
            return document.body
        wires = {self._description.fields[name] for name in self._selected}
        return to_json({wire: value for wire, value in document.fields.items() if wire in wires})


class PageQuery(NamedTuple):
    """Which page is asked for. ``after`` is the position behind which it begins, or where there is an order how many
    come before it.
    """

    size: int
    after: int
    fingerprint: str

    @classmethod
    def read(cls, description: Description, query: Mapping[str, list[str]], place: Place) -> PageQuery:
        """From a request's parameters; 400 for a size or token that is none.

        A token holds only for the query that it came with; the size may change.
        """
        pages = description.pages
        rest = sorted((name, texts) for name, texts in query.items() if name not in (pages.param, pages.size_param))
        digest = hashlib.sha256(to_json([description.name, place, rest])).hexdigest()[:16]
        size = query.get(pages.size_param or "", [str(DEFAULT_SIZE)])[-1]
        if not (size.isascii() and size.isdigit() and 0 < len(size) < 10 and int(size) > 0):
            raise Refused(problem(400, f"{pages.size_param} must be a whole number of at least 1"))
        after = 0
        if pages.param in query:
            after = _read_token(query[pages.param][-1], digest, pages.param)
        return cls(min(int(size), MAX_SIZE), after, digest)

    def first(self, behind: Iterable[Document]) -> tuple[list[Document], bool, int]:
        """The page of what stands behind its beginning: its documents, whether more follow, where it ends."""
        found = list(islice(behind, self.size + 1))
        more, found = len(found) > self.size, found[: self.size]
        return found, more, found[-1].position if found else self.after

    def cut(self, ordered: list[Document]) -> tuple[list[Document], bool, int]:
        """The same of all that there is, in an order of its own."""
        found = ordered[self.after : self.after + self.size]
        return found, len(ordered) > self.after + self.size, self.after + len(found)

    def token(self, position: int) -> str:
        """The token of the page that begins behind ``position``."""
        text = to_json([self.fingerprint, position])
        return base64.urlsafe_b64encode(text).decode("ascii").rstrip("=")


def _read_token(token: str, fingerprint: str, param: str) -> int:
    owner, position = None, None
    with contextlib.suppress(binascii.Error, ValueError, TypeError):
        owner, position = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    if not isinstance(owner, str) or not isinstance(position, int):
        raise Refused(problem(400, f"{param} is not one of this node", "bad_page_token"))
    if owner != fingerprint:
        raise Refused(problem(400, f"{param} belongs to another query", "bad_page_token"))
    return position
