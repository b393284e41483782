"""Shapes of resources: parents, keys, singletons, pages, orderings, selections, types; and each mistake in words."""

from __future__ import annotations

import copy
import json
import pickle
import re
from typing import Annotated, Any, Generic, Literal, Optional, TypeVar, Union
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from typing_extensions import NotRequired, TypedDict

import ron
from ron import (
    U64,
    Draft,
    Facet,
    Pages,
    Patch,
    Resource,
    RonClientSync,
    RonConfigError,
    RonInputError,
    RonPaginationError,
    RonUnassignedError,
    Singleton,
    Timestamp,
    parent,
    server,
)
from ron._values import Reply
from ron.resources import _bodies, _operations
from ron.resources._description import description_of
from ron.resources._operations import Scope
from ron.testing import FakeClock, MemoryNode, stored
from tests.unit.resource_declarations import as_json, decoded
from tests.unit.rig import Player, ScriptTransport, make_session, reply

T = TypeVar("T")


class Project(Resource, path="/app/projects"):
    id: str
    title: str = ""


class Task(Resource, path="/app/projects/{project_id}/tasks"):
    project_id: str = parent(Project)
    id: str = server()
    title: str


class Line(Resource, path="/app/orders/{order}/lines", key="number"):
    order: int = parent(sent=True, alias="order_no")
    number: int


class Meter(Resource, path="/app/meters", key=("region", "number")):
    region: str
    number: int
    reading: U64 = 0


class Settings(Singleton, path="/app/settings", operations=("get", "update", "replace", "delete")):
    theme: str = "light"


class Named(Resource, path="/app/named", order_by=("name", "price"), order_param="sort", fields=("name", "price")):
    id: str = server()
    name: str = Field(alias="title")
    price: U64 = 0
    note: Optional[str] = None
    tags: list[str] = Field(default_factory=list)
    loud: bool = False
    created_at: Timestamp = server()

    @field_validator("name")
    @classmethod
    def _no_blanks(cls, value: str) -> str:
        if " " in value:
            raise ValueError("no blanks")
        return value

    @model_validator(mode="after")
    def _cheap(self) -> Named:
        assert self.price < 100
        return self


def scope(cls: Any, **parents: Any) -> Scope:
    """A manager's scope."""
    return Scope(description_of(cls), make_session(FakeClock(jitter=0.0)), parents)


def run(flow: Any, *answers: Any) -> tuple[Any, Player]:
    """The flow's result, and what was sent."""
    player = Player(*answers)
    return player.run(flow), player


def sent(player: Player) -> list[str]:
    """Method and target of each request."""
    return [f"{one.exchange.method} {one.exchange.target.decode()}" for one in player.sends]


def client(resource: Any, *answers: Reply) -> tuple[Any, ScriptTransport]:
    """A manager on a scripted node."""
    script = ScriptTransport(*answers)
    return RonClientSync(transport=script, clock=FakeClock()).objects(resource), script


def asked(script: ScriptTransport) -> list[str]:
    """The targets that were asked for."""
    return [exchange.target.decode() for exchange in script.exchanges]


# --- Parents ----------------------------------------------------------------------------------


def test_a_parent_is_no_field_of_the_callers() -> None:
    """It is not in the constructor, in drafts or patches, and cannot be set; reading it early says what to write."""
    task = Task(title="write")
    with pytest.raises(
        RonUnassignedError, match=r"^project_id is what the Task lives below: create it with \.at\(proj"
    ):
        task.project_id  # noqa: B018
    with pytest.raises(
        RonInputError, match=r"^Task\.project_id comes from the path: it cannot be set; write \.at\(proj"
    ):
        task.project_id = "p"
    wrong: Any = Task
    with pytest.raises(ValidationError, match=r"project_id comes from the path: leave it out, and write \.at\(proj"):
        wrong(title="write", project_id="p")
    assert ["title"] == list(Draft[Task].model_fields) == list(Patch[Task].model_fields)
    with pytest.raises(RonInputError, match=r"^Task\.project_id comes from the path: it cannot be changed"):
        run(_operations.update(scope(Task, project_id="p"), "t-1", None, {"project_id": "q"}, None))
    assert "Task(title='write')" == repr(task)
    assert {"title": "write"} == task.model_dump()


def test_what_comes_back_has_its_parent() -> None:
    """The node's word counts; where it leaves the parent out, the path's does, as the field's type has it."""
    where = scope(Task, project_id="p1")
    for body, expected in (({}, "p1"), ({"project_id": "other"}, "other")):
        answer = reply(200, as_json(id="t-1", title="a", **body))
        assert expected == run(_operations.get(where, "t-1"), answer)[0].project_id
        assert expected == run(_operations.create(where, None, {"title": "a"}, None), answer)[0].project_id
    found, _ = run(_operations.get(scope(Line, order="12"), 1), reply(200, as_json(number=1)))
    assert 12 == found.order
    tasks, _ = client(Task, reply(200, as_json(items=[{"id": "t-1", "title": "a"}])))
    assert ["p1"] == [task.project_id for task in tasks.at(project_id="p1").list()]


def test_a_parent_is_sent_only_where_that_is_declared() -> None:
    """`parent(sent=True)` is in the bodies of create and replace, by its wire name; the object given stays as it is."""
    line = Line(number=1)
    flow = _operations.create(scope(Line, order=12), line, {}, None)
    effect = next(flow)
    assert effect is not None
    assert "order" not in line.__dict__
    flow.close()
    made, player = run(_operations.create(scope(Line, order=12), line, {}, None), reply(200, as_json(number=1)))
    assert ({"number": 1, "order_no": 12}, "POST /app/orders/12/lines") == (
        json.loads(player.sends[0].exchange.body),
        sent(player)[0],
    )
    _, player = run(
        _operations.replace(scope(Line)._replace(session=player_session(made)), made, None),
        reply(200, as_json(number=1)),
    )
    assert {"number": 1, "order_no": 12} == json.loads(player.sends[0].exchange.body)


def player_session(obj: Any) -> Any:
    """A session of the client that an object came through."""
    session = make_session(FakeClock())
    session.authority = obj.__ron_origin__.authority
    return session


def test_at_takes_an_object_of_the_parents_class() -> None:
    """An object gives its key; one without a key yet, and a key of the wrong type, are refused at once."""
    tasks, script = client(Task, reply(200, as_json(items=[])))
    tasks.at(project_id=Project(id="p1")).list().all()
    assert ["/app/projects/p1/tasks"] == asked(script)

    class Folder(Resource, path="/app/folders"):
        id: str = server()

    class File(Resource, path="/app/folders/{folder}/files"):
        folder: str = parent(Folder)
        id: str = server()

    with pytest.raises(RonInputError, match=r"^\.at\(folder=\.\.\.\): this Folder has no id yet: create it first$"):
        client(File)[0].at(folder=Folder())
    with pytest.raises(RonInputError, match=r"^\.at\(order=\.\.\.\): Input should be a valid integer"):
        client(Line)[0].at(order="x")


def test_an_object_of_another_parent_is_not_written_here() -> None:
    """`.at()` and the object's own parent must agree."""
    where = scope(Task, project_id="p2")
    task, _ = run(
        _operations.get(where._replace(parents={"project_id": "p1"}), "t-1"), reply(200, as_json(id="t", title="a"))
    )
    task.title = "b"
    error = Player().fail(_operations.save(where, task, None), RonInputError)
    assert "this Task belongs to project_id 'p1', but the call is .at(project_id='p2')" == error.message


def test_stored_objects_name_their_parent() -> None:
    """`ron.testing.stored` builds whole objects, so the parent is given."""
    with pytest.raises(RonInputError, match=r"also give project_id=\.\.\.$"):
        stored(Task, id="t-1", title="a")
    node = MemoryNode(Task)
    node.add(stored(Task, id="t-1", title="a", project_id="p1"))
    with RonClientSync(transport=node) as sync:
        assert "p1" == sync.objects(Task).at(project_id="p1").get("t-1").project_id


def test_a_mixin_gives_its_parent() -> None:
    """A base without a path may hold the mark; a subclass may declare the field again."""

    class InProject(Resource):
        project_id: str = parent(Project)

    class Note(InProject, path="/app/projects/{project_id}/notes"):
        id: str = server()

    class Plain(InProject, path="/app/projects/{project_id}/plain"):
        project_id: str
        id: str = server()

    assert {"project_id"} == set(description_of(Note).parents)
    assert {"id", "project_id"} == description_of(Note).server_fields
    assert {} == description_of(Plain).parents
    assert {"id"} == description_of(Plain).server_fields


# --- Keys -------------------------------------------------------------------------------------


def test_a_composite_key_is_its_segments_in_order() -> None:
    """A tuple, a list, or the text that changes say; anything else is refused with what to give."""
    for key in (("eu", 7), ["eu", 7], "eu/7"):
        assert b"/app/meters/eu/7" == scope(Meter).item(key)
    assert b"/app/meters/e%20u/7" == scope(Meter).item(("e u", 7))
    for wrong in ("eu", ("eu",), ("eu", 7, 8), 7, None):
        with pytest.raises(RonInputError, match=r"^a Meter has the key \(region, number\): give a tuple of 2 parts in"):
            scope(Meter).item(wrong)
    with pytest.raises(RonInputError, match=r"^region cannot be ''"):
        scope(Meter).item(("", 7))
    with pytest.raises(RonInputError, match=r"^number holds a control|^number 'a/b' holds '/'"):
        scope(Meter).item(("eu", "a/b"))


def test_an_object_is_found_by_its_own_key() -> None:
    """`save`, `refresh` and `delete` take the parts from the object; a changed part is refused."""
    where = scope(Meter)
    meter = decoded(Meter, where.session, region="eu", number=7)
    meter.reading = 5
    _, player = run(_operations.save(where, meter, None), reply(200, as_json(region="eu", number=7)))
    assert ["PATCH /app/meters/eu/7"] == sent(player)
    meter.number = 8
    error = Player().fail(_operations.save(where, meter, None), RonInputError)
    assert error.message.startswith("save: the key 'number' of this Meter was changed")


def test_the_key_as_one_text() -> None:
    """One key is its own text; the parts of several are encoded, so that none can be taken for another."""
    meters, projects = description_of(Meter), description_of(Project)
    assert "eu/7" == meters.key_text({"region": "eu", "number": 7})
    assert "a%2Fb/7" == meters.key_text({"region": "a/b", "number": 7}) == meters.text_of(("a/b", 7))
    assert "a/b" == projects.key_text({"id": "a/b"}) == projects.text_of("a/b")
    assert str(UUID(int=7)) == projects.key_text({"id": UUID(int=7)})
    assert "" == description_of(Settings).key_text({})
    assert ("eu/7", None, None) == (
        meters.wire_key_text({"region": "eu", "number": 7}),
        meters.wire_key_text({"region": "eu"}),
        meters.wire_key_text({"region": True, "number": 7}),
    )


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_no_two_keys_have_one_text(one: tuple[str, str], other: tuple[str, str]) -> None:
    """The text of a composite key is as good as the key: equal for equal ones only, and `get` takes it."""
    meters = description_of(Meter)
    texts = [meters.key_text({"region": region, "number": number}) for region, number in (one, other)]
    assert (one == other) is (texts[0] == texts[1])
    assert one == meters.key_parts(texts[0])


def test_a_missing_key_is_named() -> None:
    """`get()` of a resource with a key says that it needs one; a singleton takes none."""
    assert (
        "which Project? Give its key, the field id"
        == Player().fail(_operations.get(scope(Project), ron.UNSET), RonInputError).message
    )
    assert (
        "Settings is a singleton: there is one, without a key: leave 'x' out"
        == Player().fail(_operations.get(scope(Settings), "x"), RonInputError).message
    )


# --- Singletons -------------------------------------------------------------------------------


def test_a_singleton_lives_at_its_path() -> None:
    """Every request goes to the path itself; a new object is PUT, a changed one PATCHed."""
    where = scope(Settings)
    answer = reply(200, b'{"theme":"dark"}', etag='"1"')
    for flow, expected in (
        (_operations.get(where, ron.UNSET), "GET"),
        (_operations.save(where, Settings(theme="dark"), None), "PUT"),
        (_operations.update(where, ron.UNSET, None, {"theme": "dark"}, None), "PATCH"),
        (_operations.update(where, Patch[Settings](theme="dark"), None, {}, None), "PATCH"),
        (_operations.delete(where, ron.UNSET, missing_ok=False, idempotency_key=None), "DELETE"),
    ):
        assert [f"{expected} /app/settings"] == sent(run(flow, answer)[1])


def test_a_singleton_has_no_list() -> None:
    """`list` and `create` say why."""
    settings: Any = client(Settings)[0]
    for call in (settings.list, lambda: settings.create(theme="a")):
        with pytest.raises(
            RonConfigError, match=r"^Settings is a singleton: it has no '(list|create)', only get, save"
        ):
            call()


def test_singleton_is_a_keyword_too() -> None:
    """`singleton=True` is the same without help for type checkers; deletion has to be declared."""

    class Plain(Resource, path="/app/plain", singleton=True):
        theme: str = ""

    assert {"get", "update", "replace", "watch"} == description_of(Plain).operations
    assert ((), "", True) == (description_of(Plain).keys, description_of(Plain).key, description_of(Plain).singleton)


# --- Pages ------------------------------------------------------------------------------------


class Message(
    Resource,
    path="/app/chat",
    pages=Pages(items="messages", cursor="cursor", param="after", size_param=None, ends="empty_page"),
):
    id: str


def chat(*ids: str, cursor: Any) -> Reply:
    """A page of the chat."""
    return reply(200, as_json(messages=[{"id": one} for one in ids], cursor=cursor))


def test_a_page_of_another_shape() -> None:
    """Items, cursor and parameter have the declared names; the empty page ends the list; numbers are cursors, too."""
    messages, script = client(Message, chat("a", "b", cursor=5), chat("c", cursor="x"), chat(cursor=None))
    assert ["a", "b", "c"] == [one.id for one in messages.list()]
    assert ["/app/chat", "/app/chat?after=5", "/app/chat?after=x"] == asked(script)
    messages, script = client(Message, chat("a", cursor=None))
    assert ["a"] == [one.id for one in messages.list()]
    messages, script = client(Message, chat(cursor="again"))
    assert [] == messages.list().all(), "a cursor on an empty page leads nowhere"


def test_a_cycle_is_found_in_any_shape() -> None:
    """A cursor that comes twice is an error that says where the list stood."""
    messages, _ = client(Message, chat("a", cursor="1"), chat("b", cursor="2"), chat("c", cursor="1"))
    with pytest.raises(RonPaginationError) as raised:
        messages.list().all()
    assert "2" == raised.value.checkpoint


def test_a_node_that_sizes_its_pages_itself_is_asked_for_no_size() -> None:
    """Without `size_param`, `page_size=` is refused; `first()` asks for a page as it comes."""
    messages, script = client(Message, chat("a", cursor="1"))
    with pytest.raises(
        RonInputError, match=r"^pages of Message have the size that the node chooses: leave page_size out$"
    ):
        messages.list(page_size=5)
    assert "a" == messages.list().first().id
    assert ["/app/chat"] == asked(script)


def test_another_size_parameter() -> None:
    """`size_param` carries the size."""

    class Short(Resource, path="/app/short", pages=Pages(size_param="limit")):
        id: str

    shorts, script = client(Short, reply(200, as_json(items=[], next_page_token=None)))
    shorts.list(page_size=5).all()
    assert ["/app/short?limit=5"] == asked(script)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"items": ""}, "Pages: items is a name on the wire, such as items='items', not ''"),
        ({"param": None}, "Pages: param is a name on the wire, such as param='param', not None"),
        ({"items": "a", "cursor": "a"}, "Pages: items and cursor are both 'a': they are two fields of one answer"),
        ({"param": "a", "size_param": "a"}, "Pages: param and size_param are both 'a': they are two query parameters"),
        ({"ends": "never"}, "Pages: ends must be 'no_cursor' or 'empty_page', not 'never'"),
    ],
)
def test_mistakes_in_pages(given: dict[str, Any], text: str) -> None:
    """A wrong shape is refused when it is made."""
    with pytest.raises(RonConfigError, match=rf"^{re.escape(text)}$"):
        Pages(**given)


# --- Ordering and selection -------------------------------------------------------------------


def test_an_ordering_goes_out_by_wire_names() -> None:
    """One name or several, `-` for descending, in the declared parameter."""
    named, script = client(Named, reply(200, as_json(items=[])))
    for order_by in ("name", "-name", ["price", "-name"]):
        named.list(order_by=order_by).all()
    assert ["sort=title", "sort=-title", "sort=price%2C-title"] == [one.partition("?")[2] for one in asked(script)]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"order_by": "note"}, "order_by of Named: 'note' is not among what it declares: name, price"),
        (
            {"order_by": "-nmae"},
            "order_by of Named: 'nmae' is not among what it declares (did you mean 'name'?): name, price",
        ),
        ({"order_by": ("name", "-name")}, "order_by of Named names a field twice"),
        ({"order_by": ()}, "order_by takes the names of fields, such as order_by=('name', 'id'), not ()"),
        ({"order_by": 5}, "order_by takes the names of fields, such as order_by=('name', 'id'), not 5"),
        ({"fields": "name"}, "fields takes the names of fields, such as fields=('name', 'id'), not 'name'"),
        ({"fields": ["note"]}, "fields of Named: 'note' is not among what it declares: name, price"),
    ],
)
def test_what_was_not_declared_is_refused(options: dict[str, Any], text: str) -> None:
    """A misspelt ordering or selection is refused before anything is sent."""
    with pytest.raises(RonInputError, match=rf"^{re.escape(text)}$"):
        client(Named)[0].list(**options)


def test_a_resource_without_a_choice_says_so() -> None:
    """The message says what to declare."""
    projects = client(Project)[0]
    with pytest.raises(
        RonInputError, match=r"^Project declares no ordering: write order_by=\('name', \.\.\.\) in its class"
    ):
        projects.list(order_by="id")
    with pytest.raises(RonInputError, match=r"^Project declares no choice of fields: write fields=True in its class"):
        projects.get("p", fields=("id",))


def partial(**body: Any) -> tuple[Any, Scope]:
    """A `Named` of which the name was asked for."""
    where = scope(Named)
    flow = _operations.get(where, "n-1", ("name",))
    found, player = run(flow, reply(200, as_json(**{"id": "n-1", "title": "a", **body}), etag='"1"'))
    assert ["GET /app/named/n-1?fields=id%2Ctitle"] == sent(player)
    return found, where


def test_a_partial_object_holds_what_was_asked_for() -> None:
    """Other fields raise, have no default, and are in no dump; what the node sent anyway is there."""
    item, _ = partial()
    assert ("n-1", "a", Named) == (item.id, item.name, type(item))
    for name in ("price", "note", "tags", "created_at"):
        with pytest.raises(
            RonUnassignedError, match=rf"^{name} was not asked for: this Named came with some of its fields"
        ):
            getattr(item, name)
    assert {"id": "n-1", "name": "a"} == item.model_dump()
    assert "Named(id='n-1', name='a')" == repr(item)
    more, _ = partial(price="7", shiny=1)
    assert (7, 1) == (more.price, more.model_dump()["shiny"])


def test_a_partial_object_is_read_as_it_is_declared() -> None:
    """What was asked for must come and fit, field validators included; the validators of whole objects don't run."""
    where = scope(Named)
    for body, text in (({"id": "n"}, "title: Field required"), ({"id": "n", "title": "a b"}, "title: is not valid")):
        error = Player(reply(200, as_json(**body))).fail(_operations.get(where, "n", ("name",)), ron.RonParseError)
        assert text in error.message


def test_saving_a_partial_object_sends_what_was_set() -> None:
    """An unselected field is sent when it was set, and only then; the ETag of a selection guards nothing."""

    class Loose(Resource, path="/app/loose", fields=True):
        id: str = server()
        name: str
        note: Optional[str] = None

    where = scope(Loose)
    loose, _ = run(_operations.get(where, "l-1", ["name"]), reply(200, as_json(id="l-1", name="a"), etag='"1"'))
    loose.note = None
    _, player = run(_operations.save(where, loose, None), reply(200, as_json(id="l-1", name="a")))
    assert {"note": None} == json.loads(player.sends[0].exchange.body)
    assert b"If-Match" not in dict(player.sends[0].exchange.headers)
    assert loose.note is None


def test_a_partial_object_is_not_put() -> None:
    """A PUT would drop what was not asked for."""
    item, where = partial()
    text = "this Named came with some of its fields only: a PUT would drop the others; refresh(obj) reads it whole"
    assert text == Player().fail(_operations.replace(where, item, None), RonInputError).message


# --- Declarations -----------------------------------------------------------------------------

MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"key": ()}, "key is the name of a field, key='id', or several of them, key=('region', 'number'), not ()"),
    ({"singleton": "yes"}, "singleton must be True or False, not 'yes'"),
    (
        {"singleton": True, "operations": ("list",)},
        "a singleton has no 'list': there are get, update, replace, delete, watch",
    ),
    ({"pages": {"items": "a"}}, "pages must be Pages(items='...', cursor='...', ...), not {'items': 'a'}"),
    (
        {"order_by": "id"},
        "order_by must be several names of fields, such as ('name', 'id'), or True for every one, not 'id'",
    ),
    ({"order_by": ("nmae",)}, "order_by: 'nmae' is no field (did you mean 'name'?); the fields are id, name"),
    ({"fields": ()}, "fields must be several names of fields, such as ('name', 'id'), or True for every one, not ()"),
    ({"order_param": "sort"}, "order_param without order_by: write order_by=... too"),
    ({"fields": True, "fields_param": ""}, "fields_param is the name of a query parameter, not ''"),
]


@pytest.mark.parametrize(("keywords", "text"), MISTAKES)
def test_mistakes_in_a_shape_fail_when_the_class_is_made(keywords: dict[str, Any], text: str) -> None:
    """The message names the class and the keyword, and says what to write."""
    with pytest.raises(RonConfigError, match=rf"^class Wrong: {re.escape(text)}$"):

        class Wrong(Resource, path="/app/wrong", **keywords):
            id: str = server()
            name: str = ""


def test_mistakes_with_parents_fail_when_the_class_is_made() -> None:
    """A mark that is not in the path, that is no resource, or that was not called, says what to write."""
    with pytest.raises(
        RonConfigError, match=r"^class Wrong: project = parent\(\.\.\.\) is not in path '/app/wrong': write "
    ):

        class Wrong(Resource, path="/app/wrong"):
            id: str = server()
            project: str = parent(Project)

    for resource, text in ((int, "int is no Resource class"), (Meter, "Meter has not one key: write parent\\(\\) and")):
        with pytest.raises(RonConfigError, match=rf"^class Wrong2: project = parent\(\.\.\.\): {text}"):

            class Wrong2(Resource, path="/app/{project}/wrong"):
                id: str = server()
                project: str = parent(resource)

    with pytest.raises(RonConfigError, match=r"^class Wrong5: project = parent\(\.\.\.\) is the key, too: "):

        class Wrong5(Resource, path="/app/{project}/wrong", key="project"):
            project: str = parent()

    with pytest.raises(
        RonConfigError, match=r"^class Wrong6: parent\(\) marks a field as its default, in a Resource cl"
    ):

        class Wrong6(Resource, path="/app/{project}/wrong"):
            id: str = server()
            project: Annotated[str, parent()]

    with pytest.raises(RonConfigError, match=r"^class Wrong3: project = parent: write project = parent\(\)$"):

        class Wrong3(Resource, path="/app/{project}/wrong"):
            id: str = server()
            project: Any = parent

    with pytest.raises(
        RonConfigError, match=r"^class Wrong4: project = parent\(sent=\.\.\.\) must be True or False, not 1"
    ):
        loose: Any = parent

        class Wrong4(Resource, path="/app/{project}/wrong"):
            id: str = server()
            project: str = loose(sent=1)


def test_a_singleton_base_says_what_it_is() -> None:
    """`Singleton` with `singleton=False` would mean two things."""
    with pytest.raises(RonConfigError, match=r"^class Wrong: a Singleton has singleton=True: derive it from Resource$"):

        class Wrong(Singleton, path="/app/wrong", singleton=False):
            pass


class Query(TypedDict, total=False):
    """Filters as a TypedDict."""

    updated_after: Timestamp
    text: NotRequired[str]


class Found(Resource, path="/app/found", filters=Query):
    id: str = server()


def test_filters_may_be_a_typed_dict() -> None:
    """Its keys are the filters, checked by type; a dict of it is the positional argument."""
    found, script = client(Found, reply(200, as_json(items=[])))
    query: Query = {"text": "a"}
    found.list(query, updated_after="2026-01-01T00:00:00Z").all()
    assert ["/app/found?text=a&updated_after=2026-01-01T00%3A00%3A00Z"] == asked(script)
    with pytest.raises(RonInputError, match=r"^filter 'updated_after' of Found: Input should be a valid"):
        found.list(updated_after="soon")
    with pytest.raises(RonInputError, match="did you mean 'text'"):
        found.list({"txt": "a"})


# --- Types ------------------------------------------------------------------------------------


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    tricks: list[str] = Field(default_factory=list)
    owner: Optional[str] = None


Animal = Annotated[Union[Cat, Dog], Field(discriminator="kind")]


class Audited(Resource):
    """A mixin."""

    created_at: Optional[Timestamp] = server(default=None)


class Envelope(Audited, Generic[T]):
    """A generic base."""

    id: str = server()
    payload: T
    more: list[T] = Field(default_factory=list)


class Kennel(Envelope[Animal], path="/app/kennels", key="id", order_by=True):
    best: Optional[Animal] = None
    parts: list[Kennel] = Field(default_factory=list)
    any: Any = None
    by_name: dict[str, Animal] = Field(default_factory=dict)


def kennel(where: Scope, **fields: Any) -> Any:
    """A kennel from a node."""
    return decoded(Kennel, where.session, **{"id": "k-1", "payload": {"kind": "dog"}, **fields})


def test_generic_nested_and_discriminated_types_are_read_and_written() -> None:
    """A concrete class of a generic base has its types everywhere: in answers, constructors and bodies."""
    found = kennel(scope(Kennel), more=[{"kind": "cat", "lives": 3}], parts=[{"id": "k-2", "payload": {"kind": "cat"}}])
    assert (Dog(), [Cat(lives=3)], Cat()) == (found.payload, found.more, found.parts[0].payload)
    made = Kennel(payload=Dog(tricks=["sit"]), by_name={"rex": Dog(owner=None)})
    assert {
        "payload": {"kind": "dog", "tricks": ["sit"]},
        "more": [],
        "parts": [],
        "by_name": {"rex": {"kind": "dog", "tricks": [], "owner": None}},
    } == json.loads(_bodies.create_body(description_of(Kennel), made))
    with pytest.raises(ValidationError, match="fish"):
        Kennel(payload={"kind": "fish"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert {"id", "created_at"} == description_of(Kennel).server_fields
    assert set(Kennel.model_fields) == set(description_of(Kennel).order_by.names)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]


CHANGES: list[tuple[str, Any, Any]] = [
    ("payload.tricks", lambda k: k.payload.tricks.append("sit"), {"payload"}),
    ("payload.owner", lambda k: setattr(k.payload, "owner", "ann"), {"payload"}),
    ("payload.owner to None", lambda k: setattr(k.payload, "owner", None), {"payload"}),
    ("more", lambda k: k.more.append(Cat()), {"more"}),
    ("more[0]", lambda k: setattr(k.more[0], "lives", 1), {"more"}),
    ("by_name", lambda k: k.by_name["tom"].__setattr__("lives", 1), {"by_name"}),
    ("parts", lambda k: setattr(k.parts[0], "best", Cat()), {"parts"}),
    ("any", lambda k: k.any["deep"][0].append(1), {"any"}),
    ("True for 1", lambda k: k.any.__setitem__("one", True), {"any"}),
    ("another object", lambda k: setattr(k, "payload", Cat()), {"payload"}),
    ("best to None", lambda k: setattr(k, "best", None), {"best"}),
    ("an equal object", lambda k: setattr(k, "payload", Dog()), set()),
    ("there and back", lambda k: (k.payload.tricks.append("sit"), k.payload.tricks.pop()), set()),
    ("nothing", lambda k: None, set()),
]


@pytest.mark.parametrize(("what", "change", "expected"), CHANGES, ids=[what for what, _, _ in CHANGES])
def test_every_change_is_seen(what: str, change: Any, expected: set[str]) -> None:
    """A value changed in place, however deep, is sent; what would be sent alike is not."""
    where = scope(Kennel)
    found = kennel(
        where,
        more=[{"kind": "cat"}],
        by_name={"tom": {"kind": "cat"}},
        parts=[{"id": "k-2", "payload": {"kind": "cat"}}],
        any={"deep": [[]], "one": 1},
    )
    change(found)
    assert expected == _bodies.changed_fields(description_of(Kennel), found), what


def test_none_is_not_the_same_as_not_given() -> None:
    """A field that the node left out is sent as null once it was set to None; leaving it alone sends nothing."""
    where = scope(Kennel)
    found = kennel(where)
    found.best = None
    _, player = run(
        _operations.save(where, found, None), reply(200, as_json(id="k-1", payload={"kind": "cat"}, best=None))
    )
    assert {"best": None} == json.loads(player.sends[0].exchange.body)
    found.best = None
    assert set() == _bodies.changed_fields(description_of(Kennel), found), "the node says null itself now"
    _, player = run(
        _operations.update(where, "k-1", None, {"best": None}, None),
        reply(200, as_json(id="k-1", payload={"kind": "cat"})),
    )
    assert {"best": None} == json.loads(player.sends[0].exchange.body)


def test_copies_and_pickles_are_of_no_node() -> None:
    """An object that was changed keeps what it is in a copy, which is new."""
    where = scope(Kennel)
    found = kennel(where)
    found.best = Cat()
    for other in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found)), found.model_copy()):
        assert found == other
        with pytest.raises(RonConfigError, match="came from no node"):
            ron.meta(other)


def test_facets_and_shapes_go_together() -> None:
    """A singleton below a facet is one route of the manifest, and a composite key a wildcard."""

    class Depot(Facet, id="depot", kind="proxy", upstream="http://127.0.0.1:4000"):
        pass

    class Rules(Singleton, path="/rules", facet=Depot, operations=("get",)):
        text: str = ""

    class Shelf(Resource, path="/shelves", facet=Depot, key=("row", "place"), operations=("get",)):
        row: int
        place: int

    routes = [(one.method, one.path) for one in Depot.manifest().routes]
    assert [("GET", "/rules"), ("GET", "/shelves/*tail")] == routes
    assert b"/app/depot/shelves/1/2" == scope(Shelf).item((1, 2))
    assert b"/app/depot/rules" == scope(Rules).item(ron.UNSET)
