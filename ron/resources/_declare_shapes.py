"""What a class statement says about keys, pages, ordering, field selection and parents. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from .._suggest import did_you_mean, listed, shown
from ..errors import RonConfigError
from ._description import Selection, description_of
from ._fields import ParentField
from ._page_shape import DOCUMENTED, Pages

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["declared_keys", "declared_pages", "declared_parents", "declared_selection"]


def declared_keys(name: str, key: Any, fields: Mapping[str, str], *, singleton: bool) -> tuple[str, ...]:
    """The fields of the key, in the order of the path; none for a singleton."""
    if singleton:
        if key is not None:
            raise RonConfigError(f"class {name}: a singleton has no key: leave key= or singleton=True out")
        return ()
    if key is None:
        if "id" not in fields:
            raise RonConfigError(
                f"class {name}: which field is the key? It has no field 'id': write key='...' with one of "
                f"{listed(fields)}"
            )
        return ("id",)
    keys = tuple(key) if isinstance(key, (tuple, list)) else (key,)
    if not keys or not all(isinstance(one, str) for one in keys):
        raise RonConfigError(
            f"class {name}: key is the name of a field, key='id', or several of them, key=('region', 'number'), not "
            f"{shown(key)}"
        )
    for one in keys:
        if one not in fields:
            raise RonConfigError(
                f"class {name}: key {one!r} is no field{did_you_mean(one, fields)}; the fields are {listed(fields)}"
            )
    if len(set(keys)) != len(keys):
        raise RonConfigError(f"class {name}: key {shown(key)} names a field twice")
    return keys


def declared_pages(name: str, pages: Any) -> Pages:
    """The shape of its pages."""
    if pages is None:
        return DOCUMENTED
    if not isinstance(pages, Pages):
        raise RonConfigError(f"class {name}: pages must be Pages(items='...', cursor='...', ...), not {shown(pages)}")
    return pages


def declared_selection(
    name: str, keyword: str, given: Any, param_keyword: str, param: Any, fields: Mapping[str, str]
) -> Optional[Selection]:
    """Names of fields that a query parameter may carry; None if none are declared. True stands for every field."""
    if given is None or given is False:
        if param is not None:
            raise RonConfigError(f"class {name}: {param_keyword} without {keyword}: write {keyword}=... too")
        return None
    names = tuple(fields) if given is True else given
    if isinstance(names, str) or not isinstance(names, (tuple, list)) or not names:
        raise RonConfigError(
            f"class {name}: {keyword} must be several names of fields, such as ('name', 'id'), or True for every one, "
            f"not {shown(given)}"
        )
    for one in names:
        if one not in fields:
            raise RonConfigError(
                f"class {name}: {keyword}: {shown(one)} is no field{did_you_mean(str(one), fields)}; the fields are "
                f"{listed(fields)}"
            )
    if param is not None and not (isinstance(param, str) and param):
        raise RonConfigError(f"class {name}: {param_keyword} is the name of a query parameter, not {shown(param)}")
    return Selection(tuple(names), param or keyword)


def declared_parents(
    name: str, path: str, marks: Mapping[str, ParentField], parameters: tuple[str, ...], keys: tuple[str, ...]
) -> Mapping[str, ParentField]:
    """The ``parent()`` fields, checked against the path."""
    for field, mark in marks.items():
        if field not in parameters:
            raise RonConfigError(
                f"class {name}: {field} = parent(...) is not in path {path!r}{did_you_mean(field, parameters)}: write "
                f"{{{field}}} where it stands in the path"
            )
        if field in keys:
            raise RonConfigError(
                f"class {name}: {field} = parent(...) is the key, too: the key tells the objects of one parent apart: "
                "write key='...' with another field"
            )
        if not isinstance(mark.sent, bool):
            raise RonConfigError(
                f"class {name}: {field} = parent(sent=...) must be True or False, not {shown(mark.sent)}"
            )
        if mark.resource is not None:
            _check_parent(f"class {name}: {field} = parent(...)", mark.resource)
    return dict(marks)


def _check_parent(where: str, resource: Any) -> None:
    problem = ""
    try:
        if len(description_of(resource).keys) != 1:
            problem = f"{resource.__name__} has not one key: write parent() and give the key's part to .at()"
    except RonConfigError as error:
        problem = error.message
    if problem:
        raise RonConfigError(f"{where}: {problem}")
