"""``--memory``: a node in this process, made from the declarations, and the objects that ``--seed`` puts there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._suggest import listed, shown
from ..errors import RonError, RonInputError
from ..testing import MemoryNode, stored
from ._failure import Refusal
from ._names import load_resources

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["memory_node", "seeded", "served"]


def served(resources: Sequence[type[Any]], serve: Iterable[str]) -> list[type[Any]]:
    """The resources of the command, and those that ``--serve`` names.

    Raises:
        Refusal: where there are none.
    """
    found = list(dict.fromkeys([*resources, *(one for name in serve for one in load_resources(name))]))
    if not found:
        raise Refusal("--memory serves what is declared: add --serve shop:Item, or --serve shop for all of a module")
    return found


def memory_node(resources: Sequence[type[Any]], serve: Iterable[str]) -> MemoryNode:
    """A node that serves these resources and those that ``--serve`` names."""
    return MemoryNode(*served(resources, serve))


def seeded(resources: Sequence[type[Any]], seed: str) -> list[Any]:
    """The objects in a seed file: a list or a JSON a line for the first resource, or lists by class name."""
    given = _documents(seed)
    by_name = {resource.__name__: resource for resource in resources}
    if isinstance(given, list):
        given = {resources[0].__name__: given}
    objects = []
    for name, members in given.items():
        if name not in by_name:
            raise Refusal(f"--seed {seed}: {shown(name)} is not served; served are {listed(by_name)}")
        if not isinstance(members, list):
            raise Refusal(f"--seed {seed}: {name} must be a list of objects")
        objects += [_object(by_name[name], one, f"--seed {seed}: {name}[{at}]") for at, one in enumerate(members)]
    return objects


def _documents(seed: str) -> Any:
    """What the file holds: lists of objects by name, or one list."""
    try:
        text = Path(seed).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise Refusal(f"--seed {seed} can't be read: {getattr(error, 'strerror', None) or error}") from error
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        whole = json.loads(text)
    except ValueError as error:
        if len(lines) < 2:
            raise Refusal(f"--seed {seed} is no JSON: {error}") from error
    else:
        is_named = isinstance(whole, dict) and whole and all(isinstance(one, list) for one in whole.values())
        return whole if is_named or isinstance(whole, list) else [whole]
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise Refusal(f"--seed {seed} is neither JSON nor a JSON a line: {error}") from error


def _object(resource: type[Any], members: Any, where: str) -> Any:
    """One object; what is not declared is kept, as from a node."""
    if not isinstance(members, dict):
        raise Refusal(f"{where} must be an object, not {shown(members)}")
    fields = resource.__ron__.fields
    known = {*fields, *fields.values()}
    extra = {name: value for name, value in members.items() if name not in known}
    problem = ""
    try:
        return stored(resource, extra, **{name: value for name, value in members.items() if name in known})
    except RonError as error:
        problem = error.message
    raise RonInputError(f"{where}: {problem}")
