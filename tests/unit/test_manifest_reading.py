"""`Manifest.from_toml`: what it reads, what it keeps, what it refuses; and back to text without losing meaning."""

from __future__ import annotations

import contextlib
import datetime
import pickle
import sys
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from ron import Manifest, RonConfigError
from ron.manifest import FacetTable, Integrity, Limits, ManifestRoute, Meta, Security, Upstream
from tests.unit.manifest_declarations import FIXED

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FULL = """\
version = 7
[facet]
id = "shop"
kind = "proxy"
colour = "red"
[facet.meta]
owner = "team"
stage = 2
[facet.security]
requires_auth = true
[facet.limits]
max_rps = 5
[facet.flags.deep]
a = [1, 2]
[upstream]
scheme = "http"
host = "h"
port = 80
pool = 3
[[route]]
method = "get"
path = "/a"
upstream_path = "/b"
cache = { ttl = 3 }
[route.integrity]
sha256 = "00"
blake3 = "11"
[[things]]
"odd key" = 1979-05-27
"""


def refusal(text: Any, source: Any = "shop.toml") -> str:
    """The message with which a text is refused."""
    with pytest.raises(RonConfigError) as caught:
        Manifest.from_toml(text, source)
    return caught.value.message


def test_every_table_and_key_of_the_file_is_in_the_model() -> None:
    """Facet, meta, security, limits, upstream, routes, integrity; what no field stands for is `unknown` there."""
    manifest = Manifest.from_toml(FULL, source="shop.toml")
    assert (
        Manifest(
            facet=FacetTable(
                id="shop",
                kind="proxy",
                meta=Meta(owner="team", unknown={"stage": 2}),
                security=Security(requires_auth=True),
                limits=Limits(max_rps=5),
                unknown={"colour": "red", "flags": {"deep": {"a": [1, 2]}}},
            ),
            upstream=Upstream(scheme="http", host="h", port=80, unknown={"pool": 3}),
            route=(
                ManifestRoute(
                    method="get",
                    path="/a",
                    upstream_path="/b",
                    integrity=Integrity(sha256="00", unknown={"blake3": "11"}),
                    unknown={"cache": {"ttl": 3}},
                ),
            ),
            unknown={"version": 7, "things": [{"odd key": datetime.date(1979, 5, 27)}]},
        )
        == manifest
    )
    assert "shop.toml" == manifest.source


def test_what_was_read_is_written_back_whole() -> None:
    """What was read gives a text of the same document, unknown keys included, that says where it is from."""
    text = Manifest.from_toml(FULL, source="facets/shop.toml").to_toml()
    assert tomllib.loads(FULL) == tomllib.loads(text)
    assert text.startswith("# Written by ron from shop.toml.\n")
    assert Manifest.from_toml(text, source="shop.toml").to_toml() == text


def test_a_generated_file_says_what_it_was_made_from_again() -> None:
    """Reading and writing a generated file changes no byte."""
    text = FIXED.manifest().to_toml()
    assert text == Manifest.from_toml(text, source="anywhere.toml").to_toml()
    assert FIXED.manifest() == Manifest.from_toml(text)


def test_the_documented_upstream_is_read_and_written_as_nodes_load_it() -> None:
    """[facet.upstream] becomes [upstream]."""
    text = '[facet]\nid = "a"\nkind = "proxy"\n[facet.upstream]\nscheme = "http"\nhost = "h"\nport = 1\n'
    manifest = Manifest.from_toml(text)
    assert Upstream(scheme="http", host="h", port=1) == manifest.upstream
    assert "[upstream]" in manifest.to_toml()
    assert "facet.upstream" not in manifest.to_toml()


def test_of_two_upstreams_the_nodes_own_counts() -> None:
    """With [upstream] there, [facet.upstream] is an unknown key, kept as it is."""
    nested = {"scheme": "http", "host": "x", "port": 2}
    document = {"facet": {"id": "a", "kind": "proxy", "upstream": nested}, "upstream": {**nested, "host": "h"}}
    manifest = Manifest.from_toml(tomli_w.dumps(document))
    assert "http://h:2" == str(manifest.upstream)
    assert {"upstream": nested} == manifest.facet.unknown
    assert document == tomllib.loads(manifest.to_toml())


def test_the_legacy_form_is_read_and_written_as_version_1() -> None:
    """Version 0 has its keys at the top and only GET; what it doesn't know never comes to mean something."""
    text = 'id = "w"\nkind = "static"\nroutes = [{ path = "/", file = "a", method = "PUT", x = 1 }]\nroute = 3\n'
    manifest = Manifest.from_toml(text)
    assert {
        "facet": {"id": "w", "kind": "static"},
        "route": [{"method": "GET", "path": "/", "file": "a", "x": 1}],
        "ignored_route": 3,
    } == tomllib.loads(manifest.to_toml())


def test_what_nodes_ignore_is_never_a_reason_to_refuse_a_file() -> None:
    """A wrong type in a table that no node reads is kept and written back."""
    document = {
        "facet": {"id": "a", "kind": "echo", "meta": {"owner": 3}, "security": "yes", "limits": {"max_rps": "9"}},
        "route": [{"method": "GET", "path": "/", "integrity": "x"}],
        "routes": "none",
        "made_from": "x",
        "unknown": 1,
    }
    manifest = Manifest.from_toml(tomli_w.dumps(document))
    assert (None, None) == (manifest.facet.security, manifest.facet.limits and manifest.facet.limits.max_rps)
    assert document == tomllib.loads(manifest.to_toml())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "shop.toml is no facet manifest: it has no [facet] table; write [facet] with id = "),
        ("[facets]\nid = 'a'", "it has no [facet] table (is [facets] meant?)"),
        ("facet = 3", "shop.toml: [facet] must be a table, not a whole number"),
        ("[facet]\nkind = 'echo'", 'shop.toml: [facet] has no id: write id = "shop"'),
        ("[facet]\nid = 'a'\nkinds = 'echo'", "shop.toml: [facet] has no kind (is kinds meant?)"),
        ("[facet]\nid = 3\nkind = 'echo'", "shop.toml: [facet] id must be a string, not a whole number"),
        ("route = 1\n[facet]\nid = 'a'\nkind = 'echo'", "route must be an array of tables, not a whole number"),
        ("route = [1]\n[facet]\nid = 'a'\nkind = 'echo'", "shop.toml: [[route]] 1 must be a table"),
        ("[facet]\nid = 'a'\nkind = 'echo'\n[[route]]\npath = '/'", "[[route]] 1 has no method"),
        ("[facet]\nid = 'a'\nkind = 'echo'\n[upstream]\nhost = 'h'", "shop.toml: [upstream] has no scheme"),
        (
            "[facet]\nid = 'a'\nkind = 'proxy'\n[upstream]\nscheme = 'http'\nhost = 'h'\nport = '80'",
            "shop.toml: [upstream] port must be a whole number, not a string",
        ),
        ("[facet]\nid = 'a'\nkind = 'e'\n[upstream]\nscheme='s'\nhost='h'\nport=true", "not true or false"),
        ("id = 'a'\nkind = 'echo'\nroutes = 3", "shop.toml: routes must be an array of tables"),
        ("id = 'a'\nkind = 'echo'\nroutes = [{}]", "shop.toml: routes 1 has no path"),
        (
            "id = 'a'\nkind = 'echo'\n[facet]\nid = 'b'",
            "id and kind before any table beside a [facet] that is not whole",
        ),
        ("[facet", "shop.toml is no TOML: "),
        ("a = 1979-99-99", "shop.toml is no TOML: "),
        ("a = " + "[" * 9000, "shop.toml is no TOML: "),
        (".".join("a" * 200) + " = 1", "shop.toml is no TOML: it is nested too deeply"),
        ("a = " + "9" * 5000, "shop.toml is no "),
        (b"x", "from_toml takes the file's text, not bytes: Manifest.load(path) reads it"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_text_that_is_no_manifest_is_refused_with_where_and_what(text: Any, says: str) -> None:
    """The message names file, table and key, and what to write."""
    assert says in refusal(text)


def test_a_refusal_shows_no_value_and_keeps_no_parsers_error() -> None:
    """Whatever a file holds, its refusal quotes no value of it and is chained to nothing."""
    secret = "q7Zt0xR2vLp9KdW4sYb8Nf3"
    for text in (
        f"[facet]\nid = ['{secret}']\nkind = 'echo'",
        f"x = {secret}",
        f"'{secret}'.a = 1\n['{secret}']",
        f"['{secret}']\na = 1\n['{secret}']",
        f"a = '''{secret}",
        f"a = '{secret}'\na = 1",
    ):
        with pytest.raises(RonConfigError) as caught:
            Manifest.from_toml(text)
        assert secret not in caught.value.message
        assert caught.value.__context__ is caught.value.__cause__ is None


def test_a_manifest_that_was_read_pickles_with_where_it_is_from() -> None:
    """Pickles and copies keep the file's name and what check says; an equal one from elsewhere is still equal."""
    text = 'id = "w"\nkind = "echo"\nroutes = [{ path = "/" }]\n'
    manifest = Manifest.from_toml(text, source="w.toml")
    again = pickle.loads(pickle.dumps(manifest))
    assert (manifest, "w.toml", manifest.check()) == (again, again.source, again.check())
    assert manifest == Manifest.from_toml(manifest.to_toml())
    assert hash(manifest) == hash(Manifest.from_toml(manifest.to_toml()))
    assert manifest != 3


def test_what_toml_has_no_form_for_is_refused_when_written() -> None:
    """None or a lone surrogate among unknown keys is a RonConfigError that names the facet."""
    for value, says in ((None, "no form for, such as None"), ("\ud800", "a lone surrogate")):
        manifest = Manifest(facet=FacetTable(id="a", kind="echo", unknown={"x": value}))
        with pytest.raises(RonConfigError, match=says):
            manifest.to_toml()


# --- Any manifest, any Unicode ----------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KEY = st.one_of(st.sampled_from(["owner", "x", "routes", "unknown", "made_from", "a.b", "é", "with blank", ""]), TEXT)
VALUE = st.recursive(
    st.one_of(
        TEXT,
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False),
        st.dates(),
        st.datetimes(timezones=st.just(datetime.timezone.utc)),
        st.times(),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEY, inner, max_size=3)),
    max_leaves=5,
)


def unknown(*known: str) -> st.SearchStrategy[dict[str, Any]]:
    """Keys that a table does not have, with any value."""
    return st.dictionaries(KEY.filter(lambda key: key not in known), VALUE, max_size=2)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The strategy, or None."""
    return st.one_of(st.none(), strategy)


MANIFESTS = st.builds(
    Manifest,
    facet=st.builds(
        FacetTable,
        id=TEXT,
        kind=TEXT,
        meta=maybe(st.builds(Meta, description=maybe(TEXT), owner=maybe(TEXT), unknown=unknown("owner"))),
        security=maybe(st.builds(Security, public=maybe(st.booleans()), unknown=unknown("public"))),
        limits=maybe(st.builds(Limits, max_rps=maybe(st.integers(0, 9)), unknown=unknown())),
        unknown=unknown(),
    ),
    upstream=maybe(
        st.builds(
            Upstream, scheme=TEXT, host=TEXT, port=st.integers(0, 70000), base_path=maybe(TEXT), unknown=unknown()
        )
    ),
    route=st.lists(
        st.builds(
            ManifestRoute,
            method=TEXT,
            path=TEXT,
            file=maybe(TEXT),
            upstream_path=maybe(TEXT),
            integrity=maybe(st.builds(Integrity, sha256=maybe(TEXT), unknown=unknown())),
            unknown=unknown(),
        ),
        max_size=3,
    ).map(tuple),
    unknown=unknown(),
    made_from=maybe(st.sampled_from(["class Shop", "resource Item for facet shop"])),
)


@given(manifest=MANIFESTS)
def test_a_round_trip_keeps_meaning(manifest: Manifest) -> None:
    """Written, as UTF-8, and read again, any manifest of any Unicode is the same, and so is its text."""
    text = manifest.to_toml()
    again = Manifest.from_toml(text.encode("utf-8").decode("utf-8"))
    assert manifest == again
    assert (manifest.made_from, text) == (again.made_from, again.to_toml())
    assert manifest.content() == tomllib.loads(text)


@given(manifest=MANIFESTS)
def test_any_manifest_can_be_checked_and_shown(manifest: Manifest) -> None:
    """check, str and repr take whatever a file can hold."""
    assert all(str(finding) for finding in manifest.check())
    assert repr(manifest)
    assert str(manifest)


@given(text=st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever the text, from_toml gives a manifest or raises RonConfigError."""
    for whole in (text, f"[facet]\nid = 'a'\nkind = 'echo'\n{text}"):
        with contextlib.suppress(RonConfigError):
            Manifest.from_toml(whole)
