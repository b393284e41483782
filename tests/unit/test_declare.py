"""Declarations: what a class statement becomes, and every mistake in one with the words that help."""

from __future__ import annotations

import sys
import textwrap
import types
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Generic, Optional, TypeVar

import pytest
from pydantic import BaseModel, Field

from ron import U64, Facet, Resource, RonConfigError, Timestamp, UnixSeconds, server
from ron.resources._description import Description, description_of

T = TypeVar("T")


class Shop(Facet, id="shop", kind="proxy", upstream="http://127.0.0.1:4000", idempotent=True):
    """Catalogue and orders."""


class ItemFilters:
    updated_after: Timestamp
    text: str


class Item(Resource, path="/items", facet=Shop, filters=ItemFilters):
    id: str = server()
    name: str
    price: U64 = 0
    tags: list[str] = Field(default_factory=list)
    colour: Optional[str] = Field(default=None, alias="color")
    created_at: Timestamp = server()


class Stored(Resource):
    """A base: what the node assigns to everything."""

    id: str = server()
    created_at: Timestamp = server()


class Note(Stored, path="/app/notes"):
    text: str


def describe(cls: Any) -> Description:
    """What the class declares."""
    return description_of(cls)


@pytest.fixture
def module(request: pytest.FixtureRequest) -> Iterator[types.ModuleType]:
    """A module of its own, for declarations written as text."""
    made = types.ModuleType(f"declared_in_{request.node.name.split('[')[0]}")
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


def declare(module: types.ModuleType, text: str) -> Any:
    """Runs class statements as a module (or a notebook cell) would; gives the module's names."""
    top = """
        from __future__ import annotations
        from typing import *
        from pydantic import BaseModel, Field
        from ron import *
    """
    names = "Facet, Resource, Route, Timestamp, U64, server"
    top = textwrap.dedent(top).replace("from ron import *", f"from ron import {names}")
    exec(compile(top + textwrap.dedent(text), module.__name__, "exec", dont_inherit=True), module.__dict__)
    return module


# --- What a declaration becomes ---------------------------------------------------------------


def test_one_frozen_description_says_what_was_declared() -> None:
    """The description holds path, facet, key, fields with wire names, the node's fields and the defaults."""
    found = describe(Item)
    assert ("Item", "/items", Shop, "id", ()) == (found.name, found.path, found.facet, found.key, found.parameters)
    assert {"id", "created_at"} == found.server_fields
    assert "color" == found.fields["colour"]
    assert list(Item.model_fields) == list(found.fields)
    assert ["text", "updated_after"] == sorted(found.filters)
    assert {"get", "list", "create", "update", "replace", "delete", "watch"} == found.operations
    assert ("PATCH", "route", False) == (found.update_method, found.empty_404, found.encoded_keys)
    assert "/items/events" == found.watch
    with pytest.raises(AttributeError):
        found.path = "/other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_all_keywords_arrive() -> None:
    """Each class keyword that is given is what the description says."""

    class Task(
        Resource,
        path="/app/projects/{project}/tasks",
        key="number",
        watch="/app/projects/{project}/stream",
        update_method="PUT",
        encoded_keys=True,
        empty_404="missing",
        operations=("get", "list"),
        idempotent=True,
    ):
        project: str
        number: int

    found = describe(Task)
    assert ("number", ("project",), "/app/projects/{project}/stream") == (found.key, found.parameters, found.watch)
    assert ("PUT", True, "missing", True) == (
        found.update_method,
        found.encoded_keys,
        found.empty_404,
        found.idempotent,
    )
    assert {"get", "list"} == found.operations


def test_the_facets_word_on_idempotency_is_the_default() -> None:
    """`idempotent` comes from the facet unless the resource says otherwise."""

    class Fragile(Resource, path="/fragile", facet=Shop, idempotent=False):
        id: str = server()

    assert describe(Item).idempotent
    assert not describe(Fragile).idempotent
    assert not describe(Note).idempotent


def test_the_root_of_a_facet_is_a_path() -> None:
    """A resource may live at `/`; its events are then at `/events`."""

    class Site(Facet, id="site", kind="proxy", upstream="http://127.0.0.1:4000"):
        pass

    class Page(Resource, path="/", facet=Site):
        id: str = server()

    assert ("/", "/events") == (describe(Page).path, describe(Page).watch)


def test_only_values_that_can_change_unseen_count_as_mutable() -> None:
    """Lists, models and unknown types are compared by copy; plain and frozen values are not."""

    class Mixed(Resource, path="/app/mixed"):
        id: str = server()
        when: Timestamp = server()
        number: U64 = 0
        maybe: Optional[int] = None
        pair: tuple[int, str] = (0, "")
        many: frozenset[str] = frozenset()
        tags: list[str] = Field(default_factory=list)
        inner: tuple[list[int], ...] = ()
        bare: tuple = ()  # type: ignore[type-arg]
        anything: Any = None
        note: Optional[ItemNote] = None

    assert {"tags", "inner", "bare", "anything", "note"} == describe(Mixed).mutable_fields


class ItemNote(BaseModel):
    text: str = ""


# --- Inheritance ------------------------------------------------------------------------------


def test_a_base_without_path_gives_its_fields_and_marks() -> None:
    """Fields and `server()` marks of a base are those of the resource; the base itself has no path."""
    assert {"id", "created_at"} == describe(Note).server_fields
    assert Note(text="a").model_dump() == {"text": "a"}
    with pytest.raises(RonConfigError, match=r"^Stored has no path: declare it as `class Stored\(Resource, path="):
        description_of(Stored)


def test_marks_of_several_bases_are_all_kept() -> None:
    """With two bases, the node's fields of both are its fields."""

    class Numbered(Resource):
        number: int = server()

    class Owned(Resource):
        owner: str = server()

    class Ticket(Numbered, Owned, path="/app/tickets", key="number"):
        text: str

    assert {"number", "owner"} == describe(Ticket).server_fields
    assert "Ticket(text='a')" == repr(Ticket(text="a"))


def test_a_field_declared_again_is_what_the_last_declaration_says() -> None:
    """A subclass may take a field from the node, or give it back."""

    class Given(Note, path="/app/given"):
        id: str

    class Taken(Given, path="/app/taken"):
        text: str = server()

    assert {"created_at"} == describe(Given).server_fields
    assert "g-1" == Given(id="g-1", text="a").id
    assert {"created_at", "text"} == describe(Taken).server_fields


def test_a_subclass_of_a_resource_has_no_path_until_it_says_one() -> None:
    """A path is not inherited: two classes on one path would be two owners of its objects."""

    class Draft(Note):
        draft: bool = True

    with pytest.raises(RonConfigError, match=r"^Draft has no path"):
        description_of(Draft)


def test_a_generic_base_gives_typed_resources() -> None:
    """A generic base without path can be made concrete by a resource."""

    class Envelope(Resource, Generic[T]):
        id: str = server()
        data: T

    class Reading(Envelope[int], path="/app/readings"):
        pass

    assert {"id"} == describe(Reading).server_fields
    assert 5 == Reading(data=5).data


# --- Annotations as text, and types that come later -------------------------------------------


def test_annotations_are_text_and_may_name_what_comes_later(module: types.ModuleType) -> None:
    """A field may name a class that is defined after the resource."""
    declare(
        module,
        """
        class Order(Resource, path="/app/orders"):
            id: str = server()
            lines: "List[Line]" = []
            other: Optional["Order"] = None

        class Line(BaseModel):
            count: U64 = 1
        """,
    )
    order = module.Order(lines=[{"count": "3"}])
    assert 3 == order.lines[0].count
    assert {"id"} == describe(module.Order).server_fields


def test_a_type_that_never_comes_is_named_when_the_resource_is_used(module: types.ModuleType) -> None:
    """Using a resource whose types are not all defined says what to do, before anything is sent."""
    declare(
        module,
        """
        class Order(Resource, path="/app/orders"):
            id: str = server()
            line: Optional[Lien] = None
        """,
    )
    with pytest.raises(RonConfigError) as caught:
        description_of(module.Order)
    assert (
        "Order names a type that is not defined yet: define it, then call Order.model_rebuild()" == caught.value.message
    )


def test_types_of_a_function_are_found_after_a_rebuild() -> None:
    """A type local to a function serves once `model_rebuild()` was called, even after a failed attempt to construct."""

    class Order(Resource, path="/app/orders"):
        id: str = server()
        line: Optional[Line] = None

    with pytest.raises(Exception, match="not fully defined"):
        Order(line=None)

    class Line(BaseModel):
        count: int = 1

    Order.model_rebuild()
    made = Order(line=Line(count=2))
    assert 2 == (made.line.count if made.line else 0)


def test_an_alias_is_the_wire_name() -> None:
    """`Field(alias=…)` names the field on the wire; the constructor takes either name."""
    for name in ("color", "colour"):
        fields: dict[str, Any] = {"name": "a", name: "red"}
        assert "red" == Item(**fields).colour


# --- Making a class again ---------------------------------------------------------------------

CELL = """
    class Cart(Resource, path="{path}", facet=Depot):
        id: str = server()
        {field}: str
"""
FACET = 'class Depot(Facet, id="depot", kind="proxy", upstream="http://127.0.0.1:4000"): pass\n'


def test_a_class_statement_run_again_replaces_the_class(module: types.ModuleType) -> None:
    """Running a notebook cell again leaves one resource on the facet: the last one, on its last path."""
    declare(module, FACET)
    declare(module, CELL.format(path="/carts", field="name"))
    first = module.Cart
    declare(module, CELL.format(path="/carts", field="title"))
    assert [describe(module.Cart)] == list(module.Depot.__facet__.resources.values())
    assert first is not module.Cart
    declare(module, CELL.format(path="/baskets", field="title"))
    assert ["/baskets"] == [found.path for found in module.Depot.__facet__.resources.values()]


def test_another_class_on_the_same_route_of_a_facet_is_refused(module: types.ModuleType) -> None:
    """Two classes cannot share a route; the first one stays as it is."""
    declare(module, FACET)
    declare(module, CELL.format(path="/carts", field="name"))
    with pytest.raises(RonConfigError) as caught:
        declare(module, CELL.format(path="/carts", field="name").replace("Cart", "Trolley"))
    assert (
        "class Trolley: facet Depot has the route '/carts' already, from class Cart: a node would panic on it; give "
        "one of them another path" == caught.value.message
    )
    assert [describe(module.Cart)] == list(module.Depot.__facet__.resources.values())


def test_the_same_path_on_different_facets_or_none_is_fine(module: types.ModuleType) -> None:
    """Routes are compared within one facet only."""
    declare(module, FACET + FACET.replace("Depot", "Store").replace("depot", "store"))
    declare(module, CELL.format(path="/carts", field="name"))
    declare(module, CELL.format(path="/carts", field="name").replace("Depot", "Store").replace("Cart", "Other"))
    assert 1 == len(module.Depot.__facet__.resources) == len(module.Store.__facet__.resources)


# --- Mistakes ---------------------------------------------------------------------------------

PLAIN = "id: str = server()"
TAKES = (
    "a resource takes empty_404, encoded_keys, facet, fields, fields_param, filters, idempotent, key, operations, "
    "order_by, order_param, pages, path, singleton, update_method, watch"
)

MISTAKES = [
    ("pth='/app/x'", PLAIN, f"unknown keyword 'pth' (did you mean 'path'?); {TAKES}"),
    ("path='/app/x', facets=Depot", PLAIN, f"unknown keyword 'facets' (did you mean 'facet'?); {TAKES}"),
    ("path='/app/x', zzz=1", PLAIN, f"unknown keyword 'zzz'; {TAKES}"),
    ("key='id'", PLAIN, "path is missing: write path='/app/...' beside key"),
    ("path='app/x'", PLAIN, "path begins with '/', such as '/items', not 'app/x'"),
    ("path=''", PLAIN, "path begins with '/', such as '/items', not ''"),
    ("path=None", PLAIN, "path begins with '/', such as '/items', not None"),
    ("path='/app/x/'", PLAIN, "path '/app/x/' ends with '/': leave that out"),
    ("path='//evil/x'", PLAIN, "path: a path begins with one '/', not two: '//evil/x' would name another host"),
    ("path='/app/:id'", PLAIN, "path '/app/:id': write a parameter as {name}, not ':name' or '*'"),
    ("path='/app/*rest'", PLAIN, "path '/app/*rest': write a parameter as {name}, not ':name' or '*'"),
    (
        "path='/app/x', facet=Depot",
        PLAIN,
        "path '/app/x' begins with /app, but below a facet the path is the facet's own: write '/x', or leave facet= "
        "out",
    ),
    (
        "path='/app', facet=Depot",
        PLAIN,
        "path '/app' begins with /app, but below a facet the path is the facet's own: write '/', or leave facet= out",
    ),
    ("path='/app/x?a=1'", PLAIN, "path: a path holds no '?': give the query as query={'name': 'value'}"),
    (
        "path='/app/../x'",
        PLAIN,
        "path: a path holds no '..' segments, plain or percent-encoded: write the path in full",
    ),
    (
        "path='/app/%2e%2e/x'",
        PLAIN,
        "path: a path holds no '..' segments, plain or percent-encoded: write the path in full",
    ),
    (
        "path='/app/{project}/x'",
        f"{PLAIN}; projects: str",
        "path parameter {project} has no field (did you mean 'projects'?): declare `project: str` in the class",
    ),
    (
        "path='/app/{project}/x'",
        PLAIN,
        "path parameter {project} has no field: declare `project: str` in the class",
    ),
    ("path='/app/{id}/{id}'", PLAIN, "path '/app/{id}/{id}' names a parameter twice"),
    ("path='/app/x', watch='events'", PLAIN, "watch begins with '/', such as '/items', not 'events'"),
    (
        "path='/app/x', watch='/app/{id}/events'",
        PLAIN,
        "watch parameter {id} is not in path '/app/x'",
    ),
    ("path='/app/x', facet='shop'", PLAIN, "facet must be a Facet class, such as facet=Shop, not 'shop'"),
    (
        "path='/app/x', facet=Facet",
        PLAIN,
        "facet must be a Facet class, such as facet=Shop, not <class 'ron.facets.Facet'>",
    ),
    (
        "path='/app/x'",
        "name: str",
        "which field is the key? It has no field 'id': write key='...' with one of name",
    ),
    ("path='/app/x', key='nmae'", "name: str", "key 'nmae' is no field (did you mean 'name'?); the fields are name"),
    (
        "path='/app/x', key=5",
        PLAIN,
        "key is the name of a field, key='id', or several of them, key=('region', 'number'), not 5",
    ),
    (
        "path='/app/x', key=('id', 'nmae')",
        f"{PLAIN}; name: str",
        "key 'nmae' is no field (did you mean 'name'?); the fields are id, name",
    ),
    ("path='/app/x', key=('id', 'id')", PLAIN, "key ('id', 'id') names a field twice"),
    (
        "path='/app/x', singleton=True, key='id'",
        PLAIN,
        "a singleton has no key: leave key= or singleton=True out",
    ),
    (
        "path='/app/x', operations='get'",
        PLAIN,
        "operations must be several names, such as ('get', 'list'), not 'get'",
    ),
    (
        "path='/app/x', operations=('get', 'lits')",
        PLAIN,
        "unknown operation 'lits' (did you mean 'list'?); there are get, list, create, update, replace, delete, watch",
    ),
    ("path='/app/x', update_method='POST'", PLAIN, "update_method must be 'PATCH' or 'PUT', not 'POST'"),
    ("path='/app/x', empty_404='none'", PLAIN, "empty_404 must be 'route' or 'missing', not 'none'"),
    ("path='/app/x', encoded_keys=1", PLAIN, "encoded_keys must be True or False, not 1"),
    ("path='/app/x', idempotent='yes'", PLAIN, "idempotent must be True or False, not 'yes'"),
    (
        "path='/app/x', filters={'a': int}",
        PLAIN,
        "filters must be a class or TypedDict with typed fields, such as filters=XFilters, not {'a': <class 'int'>}",
    ),
    (
        "path='/app/x', filters=Empty",
        PLAIN,
        "Empty declares no fields: write `updated_after: Timestamp` in it",
    ),
    (
        "path='/app/x', filters=Lost",
        PLAIN,
        "the types of Lost cannot be resolved: name 'Nowhere' is not defined",
    ),
    *(
        (
            "path='/app/x'",
            f"{PLAIN}; {name}{form}",
            f"a field cannot be called {name!r}, because X.{name} is the manager; name it otherwise and give the wire "
            f"name as Field(alias={name!r})",
        )
        for name in ("objects", "objects_sync")
        for form in (": int", ": int = 3", " = property(lambda self: 1)")
    ),
    ("path='/app/x'", "id: str = server", "id = server: write id = server()"),
    (
        "path='/app/x'",
        "id: Annotated[str, server()]",
        "server() marks a field as its default, in a Resource class: write `id: ... = server()`",
    ),
    (
        "path='/app/x'",
        f"{PLAIN}; __init__ = lambda self, a: None",
        "a resource has no __init__ of its own, which would run for every answer: write a validator, "
        "model_post_init, or a classmethod",
    ),
]

SURROUNDINGS = """
    class Empty: pass
    class Lost:
        after: Nowhere
"""


@pytest.mark.parametrize(("keywords", "body", "text"), MISTAKES)
def test_mistakes_fail_when_the_class_is_made(module: types.ModuleType, keywords: str, body: str, text: str) -> None:
    """Each mistake in a class statement is refused at once, naming the class, what is wrong and what to write."""
    declare(module, FACET + textwrap.dedent(SURROUNDINGS))
    with pytest.raises(RonConfigError) as caught:
        declare(module, f"class X(Resource, {keywords}): {body}")
    assert f"class X: {text}" == caught.value.message
    assert {} == module.Depot.__facet__.resources


@pytest.mark.parametrize("path", ["/app/{}/x", "/app/{a b}/x", "/app/x{id}", "/app/{id}x", "/app/{id", "/app/id}"])
def test_a_parameter_is_a_whole_segment(module: types.ModuleType, path: str) -> None:
    """Braces that are not one whole segment with a field's name are refused."""
    with pytest.raises(RonConfigError) as caught:
        declare(module, f"class X(Resource, path={path!r}): id: str = server()")
    assert (
        f"path {path!r}: a parameter is a whole segment with a field's name, such as /{{project_id}}/"
        == caught.value.message
    )


def test_a_filter_whose_type_cannot_be_checked_is_refused() -> None:
    """A filter of a type that nothing can validate fails with the class, not with the first list."""

    class Odd:
        pass

    class OddFilters:
        plain: int
        note: ClassVar[int] = 3

    OddFilters.__annotations__["odd"] = Odd
    with pytest.raises(RonConfigError, match=r"^class Strange: OddFilters\.odd has a type that cannot be checked: "):

        class Strange(Resource, path="/app/strange", filters=OddFilters):
            id: str = server()


def test_constants_of_a_filter_class_are_no_filters() -> None:
    """A `ClassVar` in a filter class is not offered as a filter."""

    class Filters:
        after: UnixSeconds
        limit_of_text: ClassVar[int] = 3

    class Log(Resource, path="/app/log", filters=Filters):
        id: str = server()

    assert ["after"] == list(describe(Log).filters)


def test_a_mark_in_a_base_that_is_no_resource_is_refused() -> None:
    """`server()` in a plain mixin would be overlooked: the mixin must be a Resource."""

    class Mixin:
        created_at: Timestamp = server()

    with pytest.raises(RonConfigError) as caught:

        class Mixed(Mixin, Resource, path="/app/mixed"):
            id: str = server()

    assert (
        "class Mixed: created_at = server() stands in a base that is no Resource: derive that base from Resource"
        == caught.value.message
    )


def test_a_mark_in_another_pydantic_model_is_refused() -> None:
    """`server()` in a plain pydantic model that a resource inherits from is found when the resource is made."""

    class Model(BaseModel):
        created_at: Timestamp = server()

    with pytest.raises(RonConfigError, match=r"^class Mixed: server\(\) marks a field as its default"):

        class Mixed(Model, Resource, path="/app/mixed"):
            id: str = server()


@pytest.mark.parametrize("thing", [int, "Item", None, 5, Item(name="a"), BaseModel])
def test_what_is_no_resource_class_is_named(thing: Any) -> None:
    """Asking for the manager of something else says that a class is wanted."""
    with pytest.raises(RonConfigError, match="no Resource class: give the class itself, such as Item"):
        description_of(thing)


def test_managers_belong_to_the_class() -> None:
    """`item.objects` is refused: managers are reached through the class."""
    for name in ("objects", "objects_sync"):
        with pytest.raises(RonConfigError) as caught:
            getattr(Item(name="a"), name)
        assert f"{name} belongs to the class: write Item.{name}, not through one of its objects" == caught.value.message


def test_annotated_fields_keep_their_constraints() -> None:
    """`Annotated` types are ordinary fields, with or without a mark as default."""

    class Sized(Resource, path="/app/sized"):
        id: Annotated[str, Field(min_length=3)] = server()
        name: Annotated[str, Field(max_length=2)]

    assert {"id"} == describe(Sized).server_fields
    with pytest.raises(ValueError, match="at most 2 characters"):
        Sized(name="abc")
    with pytest.raises(ValueError, match="at least 3 characters"):
        Sized._stored({"id": "a", "name": "a"})
