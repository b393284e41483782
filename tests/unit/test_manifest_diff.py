"""What differs between manifests and a running node, other manifests, or a directory."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ron import Manifest, RonConfigError, RonParseError, Route
from ron.manifest import Difference, FacetTable, Meta, diff
from tests.unit.manifest_declarations import FIXED, facet

SHOP = FIXED.manifest()
ECHO = Manifest(facet=FacetTable(id="who", kind="echo"), route=facet("echo", routes=[Route("/me")]).manifest().routes)


def told(*manifests: Manifest, **changed: Any) -> dict[str, Any]:
    """`GET /facets/meta` of a node with these manifests; `changed` replaces keys of the first."""
    loaded = [
        {
            "id": one.facet.id,
            "kind": one.facet.kind,
            "routes": [{"method": route.method, "path": route.path} for route in one.routes],
            **({"upstream": str(one.upstream)} if one.upstream else {}),
        }
        for one in manifests
    ]
    loaded[0].update(changed)
    return {"loaded": loaded, "more": "than we know"}


def lines(*arguments: Any) -> list[str]:
    """The differences as text."""
    return [str(one) for one in diff(*arguments)]


def test_a_node_with_these_manifests_has_no_differences() -> None:
    """Whatever the order, and however the node writes the upstream."""
    assert [] == diff([SHOP, ECHO], told(ECHO, SHOP))
    for upstream in (
        "http://127.0.0.1:4000/api/",
        {"scheme": "http", "host": "127.0.0.1", "port": 4000, "base_path": "/api"},
    ):
        assert [] == diff([SHOP], told(SHOP, upstream=upstream))
    assert [] == diff([], {"loaded": []})


def test_a_nodes_differences_are_named() -> None:
    """Missing and extra facets, another kind, upstream and routes."""
    assert ["missing: shop facet", "extra: who facet"] == lines([SHOP], told(ECHO))
    assert ["changed: who kind: static -> echo"] == lines([ECHO], told(ECHO, kind="static"))
    assert ["changed: shop upstream: http://10.0.0.1:80 -> http://127.0.0.1:4000/api"] == lines(
        [SHOP], told(SHOP, upstream="http://10.0.0.1")
    )
    assert ["missing: who route GET /me", "extra: who route POST /x"] == lines(
        [ECHO], told(ECHO, routes=[{"method": "post", "path": "/x"}])
    )


@pytest.mark.parametrize(
    ("meta", "says"),
    [
        ({}, "'loaded' is no list"),
        ({"loaded": {}}, "'loaded' is no list"),
        ({"loaded": ["shop"]}, "facet 1 of 'loaded' has no id and kind"),
        ({"loaded": [{"id": "a"}]}, "facet 1 of 'loaded' has no id and kind"),
        ({"loaded": [{"id": "a", "kind": "echo", "routes": 3}]}, "the routes of facet 1 of 'loaded' are no list"),
        (
            {"loaded": [{"id": "a", "kind": "echo", "routes": [{"method": "GET"}]}]},
            "a route of facet 1 of 'loaded' has",
        ),
        ({"loaded": [{"id": "a", "kind": "proxy", "upstream": 3}]}, "the upstream of facet 1 of 'loaded' is neither"),
    ],
)
def test_an_answer_that_no_node_gives_is_a_parse_error(meta: dict[str, Any], says: str) -> None:
    """The message names the request and what is wrong, and quotes nothing."""
    with pytest.raises(RonParseError) as caught:
        diff([SHOP], meta)
    assert caught.value.message.startswith(f"this is no answer of GET /facets/meta: {says}")


def test_manifests_are_compared_key_by_key() -> None:
    """Between files, meta, files of routes and unknown keys count too."""
    other = SHOP.model_copy(
        update={
            "facet": SHOP.facet.model_copy(update={"meta": Meta(owner="team-x"), "unknown": {"colour": "red"}}),
            "routes": tuple(
                route.model_copy(update={"upstream_path": None}) if route.upstream_path else route
                for route in SHOP.routes
            ),
        }
    )
    assert [
        "missing: shop facet.meta description",
        "changed: shop facet.meta owner: team-x -> team-shop",
        "missing: shop facet.meta version",
        "changed: shop route GET /stats: - -> upstream_path = /internal/stats",
        "extra: shop facet colour",
    ] == lines([SHOP], [other])
    assert [] == diff([SHOP], [SHOP])


def test_a_directory_is_read_and_compared(tmp_path: Path) -> None:
    """Written manifests have no differences; a file of another facet is extra; an unreadable one is an error."""
    SHOP.write(tmp_path)
    assert [] == diff([SHOP], tmp_path)
    ECHO.write(tmp_path)
    assert ["extra: who facet"] == lines([SHOP], str(tmp_path))
    (tmp_path / "bad.toml").write_text("x")
    with pytest.raises(RonConfigError, match=r"bad\.toml: is no TOML"):
        diff([SHOP], tmp_path)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([SHOP, SHOP.model_copy()], {"loaded": []}), "two of the manifests have the id 'shop': give diff one of them"),
        ((["shop"], {"loaded": []}), "diff takes manifests, such as [Shop.manifest()], not str"),
        ((SHOP, {"loaded": []}), "diff takes several manifests, such as [Shop.manifest()], not Manifest"),
        (([SHOP], 3), "diff takes several manifests, such as [Shop.manifest()], not int"),
    ],
)
def test_a_wrong_call_is_refused(arguments: tuple[Any, Any], says: str) -> None:
    """One id twice, or what is no manifest, is a RonConfigError."""
    with pytest.raises(RonConfigError) as caught:
        diff(*arguments)
    assert says == caught.value.message


def test_a_difference_is_a_frozen_value_that_shows_no_secret() -> None:
    """It can be compared and hashed; a token in a value is redacted."""
    token = "q7Zt0xR2vLp9KdW4sYb8Nf3Q1"
    one = ECHO.model_copy(update={"facet": FacetTable(id="who", kind="echo", meta=Meta(owner=token))})
    (found,) = diff([one], [ECHO])
    assert Difference("missing", "who", "facet.meta owner", "[redacted]") == found
    assert token not in repr(found)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.kind = "extra"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
