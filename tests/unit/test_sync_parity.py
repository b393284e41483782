"""The sync surface is the async one: same methods, same parameters, same documentation."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from ron import (
    FacetClient,
    FacetClientSync,
    Listing,
    ListingSync,
    Manager,
    ManagerSync,
    RonClient,
    RonClientSync,
    Watch,
    WatchSync,
)
from ron._emissions import EmissionsAsync, EmissionsSync
from ron.contrib import Tenants, TenantsSync
from ron.transport import AsyncChannel, AsyncReplyStream, SyncChannel, SyncReplyStream

PAIRS: list[tuple[Any, Any]] = [
    (RonClient, RonClientSync),
    (FacetClient, FacetClientSync),
    (Manager, ManagerSync),
    (Listing, ListingSync),
    (Watch, WatchSync),
    (EmissionsAsync, EmissionsSync),
    (AsyncChannel, SyncChannel),
    (AsyncReplyStream, SyncReplyStream),
    (Tenants, TenantsSync),
]
#: the async name of what a sync class has under another
TWINS = {
    "aclose": "close",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "__await__": None,  # `listing.page()` is the sync way
}
#: what only an async method takes: nothing of a sync client goes on while its caller works
ONLY_ASYNC = {("Manager", "list"): ["prefetch"]}
#: words that may differ between the twins' documentation
WORDS = {
    "RonClientSync": "RonClient",
    "ManagerSync": "Manager",
    "TenantsSync": "Tenants",
    "objects_sync": "objects",
    "SyncChannel": "AsyncChannel",
    "SyncReplyStream": "AsyncReplyStream",
    "aclose": "close",
    "async for": "for",
    "async with": "with",
    "await ": "",
}


def public(cls: type) -> dict[str, Any]:
    """What the class itself offers: methods and properties, the context and iteration protocols too."""
    found = {}
    for name in dir(cls):
        value = inspect.getattr_static(cls, name)
        own = any(name in vars(base) for base in cls.__mro__ if base.__module__.startswith("ron."))
        if own and (not name.startswith("_") or name in TWINS or name in TWINS.values()):
            found[name] = value
    return found


def function(value: Any) -> Any:
    """The function behind a method, classmethod or property."""
    if isinstance(value, (classmethod, staticmethod)):
        return value.__func__
    return value.fget if isinstance(value, property) else value


def pairs() -> list[Any]:
    """(async class, sync class, async name, sync name) of everything that has a twin."""
    return [
        pytest.param(a, s, name, TWINS.get(name, name), id=f"{a.__name__}.{name}")
        for a, s in PAIRS
        for name in public(a)
        if TWINS.get(name, name) is not None and inspect.isroutine(function(public(a)[name]))
    ]


def plain(text: Any) -> str:
    """Documentation without the words in which the colours may differ."""
    words = str(text or "")
    for word, common in WORDS.items():
        words = words.replace(word, common)
    return words


@pytest.mark.parametrize(("a", "s"), PAIRS, ids=lambda cls: str(cls.__name__))
def test_both_colours_offer_the_same(a: type, s: type) -> None:
    """Every public name of one colour has its twin in the other."""
    wanted = {TWINS.get(name, name) for name in public(a)} - {None}
    assert wanted == set(public(s))


@pytest.mark.parametrize(("a", "s", "name", "twin"), pairs())
def test_twins_take_the_same(a: type, s: type, name: str, twin: str) -> None:
    """Parameters agree in name, order, kind, default and annotation."""
    ours, theirs = function(public(a)[name]), function(public(s)[twin])
    left, right = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
    only = ONLY_ASYNC.get((a.__name__, name), [])
    assert [one for one in left if one not in only] == list(right)
    assert all(one in left for one in only)
    for one in right:
        assert (left[one].kind, left[one].default) == (right[one].kind, right[one].default)
        assert plain(left[one].annotation) == plain(right[one].annotation)


@pytest.mark.parametrize(("a", "s", "name", "twin"), pairs())
def test_twins_say_the_same(a: type, s: type, name: str, twin: str) -> None:
    """The sync documentation has the same sections and arguments, or refers to the async one."""
    ours = inspect.getdoc(function(public(a)[name])) or ""
    theirs = inspect.getdoc(function(public(s)[twin])) or ""
    assert bool(ours) is bool(theirs)
    headings = re.compile(r"^(Args|Returns|Raises)[^\n]*:$|^    (\w+):", re.MULTILINE)
    if theirs.startswith("See "):
        assert len(theirs.splitlines()) == 1
    else:
        only = ONLY_ASYNC.get((a.__name__, name), [])
        assert [one for one in headings.findall(ours) if one[1] not in only] == headings.findall(theirs)


@pytest.mark.parametrize(("a", "s", "name", "twin"), pairs())
def test_results_differ_only_in_colour(a: type, s: type, name: str, twin: str) -> None:
    """What a sync method returns is what awaiting its twin gives."""
    ours, theirs = function(public(a)[name]), function(public(s)[twin])
    assert not inspect.iscoroutinefunction(theirs)
    returned = plain(inspect.signature(ours).return_annotation)
    sync = plain(inspect.signature(theirs).return_annotation)
    for colour in ("Async", "Sync"):
        returned, sync = returned.replace(colour, ""), sync.replace(colour, "")
    assert returned == sync
