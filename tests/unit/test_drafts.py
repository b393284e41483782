"""``Draft[Item]`` and ``Patch[Item]``: as models, as bodies in a FastAPI application, and with users' validators."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import Field, ValidationError, field_validator

from ron import U64, Draft, Patch, Resource, RonConfigError, server
from tests.unit.resource_declarations import Item, Task


class Named(Resource, path="/app/named"):
    id: str = server()
    name: str = Field(default="anon", validate_default=True, max_length=5)
    nick: str = "n"
    rank: U64 = 0

    @field_validator("name")
    @classmethod
    def _lower(cls, value: str) -> str:
        if cls is not Named:
            raise ValueError("a validator sees its own class")
        return value.lower()

    @field_validator("nick", mode="before")
    @staticmethod
    def _text(value: Any) -> Any:
        return str(value)

    @field_validator("*")
    @classmethod
    def _no_bells(cls, value: Any) -> Any:
        if value == "bell":
            raise ValueError("no bells")
        return value


class Plain(Resource):
    id: str = server()


def refusals(kind: Any, **fields: Any) -> dict[str, str]:
    """Field and text of each error."""
    with pytest.raises(ValidationError) as caught:
        kind(**fields)
    return {str(one["loc"][0]): one["msg"] for one in caught.value.errors()}


def test_a_draft_has_the_fields_of_the_caller() -> None:
    """`Draft[Item]` has the resource's fields, types and defaults without what the node assigns."""
    draft: Any = Draft[Item](name="a", price="7", colour="red")
    assert ("a", 7, "red", []) == (draft.name, draft.price, draft.colour, draft.tags)
    assert [name for name in Item.model_fields if name not in ("id", "created_at")] == list(type(draft).model_fields)
    assert {"name": "a", "price": "7", "color": "red"} == draft.model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )


def test_a_patch_may_leave_everything_out() -> None:
    """`Patch[Item]` requires nothing, and knows what was given: None on purpose is not the same as unset."""
    assert set() == Patch[Item]().model_fields_set
    assert {"note"} == Patch[Item](note=None).model_fields_set
    assert {"price": "3"} == Patch[Item](price=3).model_dump(mode="json", exclude_unset=True)


def test_bad_fields_are_refused() -> None:
    """Server fields, unknown names, missing ones and wrong types are refused by name."""
    extra = "Extra inputs are not permitted"
    assert {"id": extra} == refusals(Draft[Item], name="a", id="i-1")
    assert {"nmae": extra, "name": "Field required"} == refusals(Draft[Item], nmae="a")
    assert {"id": extra, "created_at": extra} == refusals(Patch[Item], id="i-1", created_at=None)
    assert {"name": "Input should be a valid string"} == refusals(Patch[Item], name=None)
    assert {"price"} == set(refusals(Patch[Item], price=-1))


def test_assignment_to_a_draft_validates() -> None:
    """A draft that is changed later is still one that could be sent."""
    draft = Draft[Item](name="a")
    with pytest.raises(ValidationError):
        draft.price = -1  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("kind", [Draft, Patch])
def test_one_class_for_each_resource(kind: Any) -> None:
    """The same subscript gives the same class, named after the resource."""
    assert kind[Item] is kind[Item]
    assert kind[Item] is not kind[Task]
    assert f"Item{kind.__name__}" == kind[Item].__name__
    assert Item.__module__ == kind[Item].__module__
    assert f"{kind.__name__} of Item." == kind[Item].__doc__
    assert issubclass(kind[Item], kind)


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        (int, "int is no Resource class: give the class itself, such as Item"),
        ("Item", "'Item' is no Resource class: give the class itself, such as Item"),
        (Plain, "Plain has no path: declare it as `class Plain(Resource, path='/app/...')`"),
    ],
)
@pytest.mark.parametrize("kind", [Draft, Patch])
def test_only_resources_have_drafts(kind: Any, thing: Any, text: str) -> None:
    """Subscripting with anything else says what is wanted."""
    with pytest.raises(RonConfigError) as caught:
        kind[thing]
    assert text == caught.value.message


def test_a_draft_cannot_be_subscripted_again() -> None:
    """`Draft[Item][Item]` is a mistake that is named."""
    made: Any = Draft[Item]
    with pytest.raises(RonConfigError) as caught:
        made[Item]
    assert "ItemDraft is made already: write Draft[Item] with the resource class" == caught.value.message


def test_field_validators_of_the_resource_run() -> None:
    """Validators of one field and of all, static ones and constraints hold for drafts and patches, if given."""
    for kind in (Draft[Named], Patch[Named]):
        made: Any = kind(name="ABC", nick=7)
        assert ("abc", "7") == (made.name, made.nick)
        assert {"nick": "Value error, no bells"} == refusals(kind, nick="bell")
        assert {"name": "String should have at most 5 characters"} == refusals(kind, name="abcdef")
    assert "anon" == Draft[Named]().name  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    assert set() == Patch[Named]().model_fields_set


def application() -> FastAPI:
    """An application whose bodies are drafts and patches."""
    app = FastAPI()

    @app.post("/items")
    def create(draft: Draft[Item]) -> Any:
        return {"given": sorted(draft.model_fields_set), "kind": type(draft).__name__}

    @app.patch("/items/{key}")
    def update(key: str, patch: Patch[Item]) -> Any:
        return {"given": sorted(patch.model_fields_set), "key": key}

    return app


async def send(method: str, path: str, body: Any) -> tuple[int, Any]:
    """A request to that application, in-process."""
    transport = httpx.ASGITransport(application())
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        answer = await client.request(method, path, json=body)
        return answer.status_code, answer.json()


@pytest.mark.anyio
async def test_drafts_and_patches_are_fastapi_bodies() -> None:
    """FastAPI reads them from JSON, wire forms and aliases included, and they know what was given."""
    assert (200, {"given": ["colour", "name", "price"], "kind": "ItemDraft"}) == await send(
        "POST", "/items", {"name": "a", "price": "18446744073709551615", "color": "red"}
    )
    assert (200, {"given": ["note"], "key": "i-1"}) == await send("PATCH", "/items/i-1", {"note": None})
    assert (200, {"given": [], "key": "i-1"}) == await send("PATCH", "/items/i-1", {})


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "body", "place", "text"),
    [
        ("POST", {}, "name", "Field required"),
        ("POST", {"name": "a", "id": "i-1"}, "id", "Extra inputs are not permitted"),
        ("POST", {"name": "a", "size": {"width": "wide"}}, "width", "Input should be a valid integer"),
        ("PATCH", {"nmae": "a"}, "nmae", "Extra inputs are not permitted"),
        ("PATCH", {"price": 1.5}, "price", "must be a whole number from 0 to 18446744073709551615"),
    ],
)
async def test_bad_bodies_are_answered_with_the_field(method: str, body: Any, place: str, text: str) -> None:
    """A body that does not fit is a 422 of FastAPI's that names the field and says what is expected."""
    path = "/items" if method == "POST" else "/items/i-1"
    status, answer = await send(method, path, body)
    (error,) = answer["detail"]
    assert (422, place) == (status, error["loc"][-1])
    assert text in error["msg"]


def test_the_api_description_shows_both_shapes() -> None:
    """OpenAPI has a schema for the draft and one for the patch, closed, with the wire names and forms."""
    schemas = application().openapi()["components"]["schemas"]
    draft, patch = schemas["ItemDraft"], schemas["ItemPatch"]
    assert (["name"], False) == (draft["required"], draft["additionalProperties"])
    assert "required" not in patch
    for shape in (draft, patch):
        assert "string" == shape["properties"]["price"]["type"]
        assert "color" in shape["properties"]
        assert "id" not in shape["properties"]
