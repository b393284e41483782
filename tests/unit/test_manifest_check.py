"""What `check` says: code, level, place, reason and what to write instead, for each thing that a node does silently."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from ron import Manifest, RonConfigError, Route
from ron.manifest import CODES, EFFECTS, Finding, Place, diff
from ron.manifest._exposed import leaves, quoted
from tests.unit.manifest_declarations import FIXED, facet

HEAD = '[facet]\nid = "shop"\nkind = "proxy"\n'
UPSTREAM = '[upstream]\nscheme = "http"\nhost = "127.0.0.1"\nport = 4000\n'
ROUTE = '[[route]]\nmethod = "GET"\npath = "/a"\n'
ECHO = '[facet]\nid = "e"\nkind = "echo"\n'
STATIC = '[facet]\nid = "s"\nkind = "static"\n'


def checked(text: str, **keywords: Any) -> list[Finding]:
    """The findings of a file with this text."""
    return Manifest.from_toml(text, source="shop.toml").check(**keywords)


def route(path: str, method: str = "GET", **keys: str) -> str:
    """One `[[route]]`."""
    return "[[route]]\n" + "".join(
        f'{key} = "{value}"\n' for key, value in {"method": method, "path": path, **keys}.items()
    )


def upstream(**changed: Any) -> str:
    """`[upstream]` with some values changed."""
    values = {"scheme": "http", "host": "127.0.0.1", "port": 4000, **changed}
    return "[upstream]\n" + "".join(
        f"{key} = {value if isinstance(value, int) else repr(value)}\n" for key, value in values.items()
    )


# text, level, code, place, what the message says, what the fix says
ONE_MISTAKE = [
    (ECHO.replace("echo", "Echo") + ROUTE, "error", "kind", "[facet] kind", "no micronode has 'Echo'", "write 'echo'"),
    (
        ECHO.replace("echo", "fn") + ROUTE,
        "error",
        "kind",
        "[facet] kind",
        "no micronode has 'fn'",
        "write one of echo, proxy, static",
    ),
    (ECHO.replace('"e"', '" "') + ROUTE, "error", "id", "[facet] id", "the id is blank", "write a name"),
    (ECHO.replace('"e"', '"a:b"') + ROUTE, "error", "id", "[facet] id", "'a:b' holds ':', which begins a", "letters"),
    (ECHO.replace('"e"', '"a/b"') + ROUTE, "warning", "id", "[facet] id", "'a/b' is not one path segment", "letters"),
    (ECHO.replace('"e"', '"a b"') + ROUTE, "warning", "id", "[facet] id", "'a b' is not one path segment", "letters"),
    (
        HEAD + ROUTE,
        "error",
        "upstream",
        "[upstream]",
        "there is no [upstream], which a proxy must have",
        "write [upstream] with scheme, host",
    ),
    (
        HEAD + UPSTREAM.replace("upstream", "facet.upstream") + ROUTE,
        "error",
        "upstream",
        "[facet.upstream]",
        "does not look into [facet.upstream], so that the proxy has no upstream",
        "write [upstream]",
    ),
    (
        ECHO + UPSTREAM + ROUTE,
        "warning",
        "upstream",
        "[upstream]",
        "a facet of kind echo has no upstream",
        "remove the table",
    ),
    (HEAD + upstream(scheme="ftp") + ROUTE, "error", "scheme", "[upstream] scheme", "'ftp' is neither", "'http' or"),
    (
        HEAD + upstream(host=" ") + ROUTE,
        "error",
        "host",
        "[upstream] host",
        "the host is blank",
        "a name or an address",
    ),
    (
        HEAD + upstream(host="a:80") + ROUTE,
        "warning",
        "host",
        "[upstream] host",
        "'a:80' is no host",
        "IPv6 in brackets",
    ),
    (
        HEAD + upstream(host="a/b") + ROUTE,
        "warning",
        "host",
        "[upstream] host",
        "'a/b' is no host",
        "keys of their own",
    ),
    (HEAD + upstream(port=0) + ROUTE, "error", "port", "[upstream] port", "0 is no port", "write 1 to 65535"),
    (HEAD + upstream(port=70000) + ROUTE, "error", "port", "[upstream] port", "70000 is no port", "write 1 to 65535"),
    (
        HEAD + upstream(base_path="v1") + ROUTE,
        "error",
        "base_path",
        "[upstream] base_path",
        "'v1' does not begin",
        "'/'",
    ),
    (
        HEAD + upstream(base_path="/v?x") + ROUTE,
        "warning",
        "base_path",
        "[upstream] base_path",
        "'/v?x' is no path as it travels",
        "without a query",
    ),
    (ECHO + route("a"), "error", "path", "[[route]] 1 path", "'a' does not begin with '/'", "write '/a'"),
    (ECHO + route("/a b"), "warning", "path", "[[route]] 1 path", "no client asks for '/a b'", "percent-encoded"),
    (ECHO + route("/a//b"), "warning", "path", "[[route]] 1 path", "no client asks for '/a//b'", "one '/' between"),
    (ECHO + route("/{id}"), "warning", "literal", "[[route]] 1 path", "takes '{id}' as literal text", "write ':id'"),
    (HEAD + UPSTREAM + route("/a/{id}/b"), "warning", "literal", "[[route]] 1 path", "takes '{id}' as", "'/a/*tail'"),
    (ECHO + route("/{*x}"), "warning", "literal", "[[route]] 1 path", "takes '{*x}' as literal text", "write '*x'"),
    (ECHO + route("/a:b"), "warning", "parameter", "[[route]] 1 path", "begins within 'a:b'", "percent-encoded"),
    (
        ECHO + route("/*x/a"),
        "error",
        "wildcard",
        "[[route]] 1 path",
        "'*x' takes the whole rest, and is not last",
        "last",
    ),
    (ECHO + route("/a/*"), "error", "wildcard", "[[route]] 1 path", "'*' has no name", "such as 'tail'"),
    (ECHO + ROUTE + route("/b", "HEAD"), "error", "method", "[[route]] 2 method", "name 'HEAD'", "write 'GET', which"),
    (ECHO + ROUTE + route("/b", "TRACE"), "error", "method", "[[route]] 2 method", "'TRACE'", "DELETE, GET, PATCH,"),
    (
        ECHO + ROUTE + route("/b", "put"),
        "warning",
        "not_mounted",
        "[[route]] 2 method",
        "lists PUT '/b' and does not mount it: it answers 404 or 405",
        "use GET, POST there",
    ),
    (
        ECHO + ROUTE + route("/a", "get"),
        "error",
        "clash",
        "[[route]] 2 path",
        "GET '/a' is mounted at the same path already",
        "leave one of them out",
    ),
    (
        ECHO + route("/:a") + route("/:b/c"),
        "error",
        "clash",
        "[[route]] 2 path",
        "':b' stands where GET '/:a' has ':a'",
        "give both the same parameter",
    ),
    (
        STATIC + route("/a", "POST", file="a"),
        "error",
        "method",
        "[[route]] 1 method",
        "a facet of this kind has only GET, not POST",
        "write GET",
    ),
    (STATIC + route("/a"), "error", "file_missing", "[[route]] 1", "a static route names no file", "write file ="),
    (
        STATIC + route("/a", file="../a"),
        "warning",
        "file_outside",
        "[[route]] 1 file",
        "'../a' leads out of",
        "below it",
    ),
    (ECHO + route("/a", file="a"), "warning", "file_kind", "[[route]] 1 file", "serves no files", "remove it"),
    (
        ECHO + route("/a", upstream_path="/b"),
        "warning",
        "upstream_path",
        "[[route]] 1 upstream_path",
        "no up",
        "remove",
    ),
    (
        HEAD + UPSTREAM + route("/a", upstream_path="b"),
        "error",
        "upstream_path",
        "[[route]] 1 upstream_path",
        "'b' does not begin with '/'",
        "with a '/'",
    ),
    (
        HEAD + UPSTREAM + route("/a", upstream_path="/b/:id"),
        "warning",
        "upstream_path",
        "[[route]] 1 upstream_path",
        "the upstream is asked for '/b/:id' as it stands",
        "the rest that a wildcard stands for is appended",
    ),
    (
        HEAD + UPSTREAM + route("/a/:id"),
        "warning",
        "parameter",
        "[[route]] 1 path",
        "would ask the upstream for the literal ':id'",
        "write '/a/*tail', which forwards whatever follows",
    ),
    (
        HEAD + UPSTREAM + route("/a") + route("/a/*rest"),
        "warning",
        "wildcard",
        "[[route]] 2 path",
        "forwards the rest only for paths that end in '/*tail'",
        "write '/a/*tail'",
    ),
    (
        HEAD + UPSTREAM + route("/a/*tail"),
        "warning",
        "collection",
        "[[route]] 1 path",
        "'/a/*tail' does not match '/a', because the rest is never empty",
        "add a route for '/a'",
    ),
    (
        ECHO + route("/a/*tail") + route("/a/*tail", "POST") + route("/a/b"),
        "warning",
        "hidden",
        "[[route]] 3 path",
        "'/a/b' hides POST of '/a/*tail': the most specific path is taken",
        "add POST '/a/b', if it is to be answered",
    ),
    (ECHO, "error", "no_routes", "", "no route is mounted", "write at least one [[route]]"),
    (
        ECHO + "[facet.security]\npublic = true\n" + ROUTE,
        "warning",
        "ignored",
        "[facet.security]",
        "protects nothing",
        "",
    ),
    (ECHO + "[facet.limits]\nmax_rps = 1\n" + ROUTE, "warning", "ignored", "[facet.limits]", "nothing is limited", ""),
    (
        ECHO + "[facet.meta]\nversion = 3\n" + ROUTE,
        "warning",
        "wrong_type",
        "[facet.meta] version",
        "it is not a string",
        "write a string, or remove it",
    ),
    (ECHO + 'meta = "x"\n' + ROUTE, "warning", "wrong_type", "[facet] meta", "it is not a table", "write a table"),
    (
        ECHO + 'knd = "x"\n' + ROUTE,
        "warning",
        "unknown_key",
        "[facet] knd",
        "no 'knd' there (did you mean 'kind'?)",
        "",
    ),
    (ECHO + ROUTE + 'pat = "x"\n', "warning", "unknown_key", "[[route]] 1 pat", "(did you mean 'path'?)", "method"),
    (ECHO + f"n = {2**63}\n" + ROUTE, "error", "integer", "[facet] n", "more than 64 bits", "a smaller one"),
]


@pytest.mark.parametrize(
    ("text", "level", "code", "place", "says", "fix"), ONE_MISTAKE, ids=lambda value: repr(value)[:40]
)
def test_each_mistake_is_found_in_its_place(text: str, level: str, code: str, place: str, says: str, fix: str) -> None:
    """A file with one mistake has the finding with this level, code, place, message and fix, and no other error."""
    findings = checked(text)
    found = next(finding for finding in findings if finding.code == code)
    assert (level, f"shop.toml {place}".strip()) == (found.level, str(found.where))
    assert says in found.message
    assert fix in found.fix
    others = {finding.code for finding in findings if finding is not found and finding.level == "error"}
    assert others <= {"no_routes"}


def test_routes_misspelled_are_named_with_what_to_write() -> None:
    """`[[routes]]` leaves a facet without routes, and both findings lead to `[[route]]`."""
    findings = checked(ECHO + ROUTE.replace("route", "routes"))
    assert [("error", "no_routes"), ("warning", "unknown_key")] == [(one.level, one.code) for one in findings]
    assert "write [[route]] for each, not [[routes]]" == findings[0].fix
    assert "(did you mean 'route'?)" in findings[1].message


def test_a_file_that_is_skipped_is_still_told_what_collides_in_it() -> None:
    """Putting one mistake right must not bring out a worse one."""
    assert ["upstream", "clash"] == [finding.code for finding in checked(HEAD + ROUTE + ROUTE)]


def test_a_second_upstream_is_named_as_what_it_is() -> None:
    """[facet.upstream] beside [upstream] is an unknown key that says which of them is read."""
    (found,) = checked(HEAD + UPSTREAM + UPSTREAM.replace("upstream", "facet.upstream") + ROUTE)
    assert ("unknown_key", "[upstream] is there too, and only that is read") == (found.code, found.message)


def test_only_methods_that_are_not_mounted_leave_a_facet_empty() -> None:
    """A facet whose every route is PUT answers nothing on a micronode: an error."""
    findings = checked(ECHO + route("/a", "PUT"))
    assert ["not_mounted", "no_routes"] == [finding.code for finding in findings]
    assert "add a route with GET, POST" == findings[1].fix


def test_a_legacy_file_is_checked_as_it_stands() -> None:
    """Version 0: a warning for the form, one for an ignored method, an error for a proxy; places as in the file."""
    text = 'id = "w"\nkind = "static"\nroutes = [{ path = "/", file = "a", method = "POST" }]\n'
    assert [
        "warning: shop.toml: the file is of version 0, without [facet]; write it as version 1, as to_toml() does",
        "warning: shop.toml routes 1 method: routes of version 0 are always GET; leave method out, or write it as "
        "version 1, as to_toml() does",
    ] == [str(finding) for finding in checked(text)]
    (refused,) = checked(text.replace("static", "proxy") + UPSTREAM)[:1]
    assert ("error", "form", "skipped") == (refused.level, refused.code, refused.effect)


def test_what_was_read_and_rewritten_is_checked_as_it_is_written() -> None:
    """The documented [facet.upstream] is an error in its file, and none in what to_toml() makes of it."""
    text = HEAD + UPSTREAM.replace("upstream", "facet.upstream") + ROUTE
    manifest = Manifest.from_toml(text)
    assert ["upstream"] == [finding.code for finding in manifest.check()]
    assert [] == Manifest.from_toml(manifest.to_toml()).check()
    assert [] == manifest.model_copy(update={"made_from": None}).check()


def test_a_declared_manifest_has_no_errors() -> None:
    """What the declarations make is loaded; what micronodes don't mount or heed is warned of."""
    findings = FIXED.manifest().check()
    assert {"warning"} == {finding.level for finding in findings}
    assert {"not_mounted", "ignored"} == {finding.code for finding in findings}
    assert [] == facet("echo", routes=[Route("/who")]).manifest().check()


def test_an_unknown_node_is_refused_with_a_suggestion() -> None:
    """`check(node="micronod")` names the nodes that there are."""
    with pytest.raises(
        RonConfigError, match=r"no node is called 'micronod' \(did you mean 'micronode'\?\): write one of"
    ):
        FIXED.manifest().check("micronod")


def test_a_finding_is_a_frozen_value() -> None:
    """It compares, hashes, pickles, becomes a dict with its level, and cannot be changed."""
    (found,) = checked(ECHO)
    assert found == pickle.loads(pickle.dumps(found))
    assert 1 == len({found, checked(ECHO)[0]})
    assert {"level", "code", "effect", "where", "message", "fix"} == dataclasses.asdict(found).keys()
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.level = "warning"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_every_code_and_effect_is_documented() -> None:
    """The findings of all the files above use the codes and effects that are listed, and nearly all of them."""
    seen = [finding for case in ONE_MISTAKE for finding in checked(case[0])]
    assert {finding.effect for finding in seen} <= EFFECTS.keys()
    elsewhere = {"duplicate_id", "form", "no_manifest", "secret", "unreadable"}
    assert CODES.keys() == {finding.code for finding in seen} | elsewhere
    assert sorted(CODES) == list(CODES)


# --- Secrets ----------------------------------------------------------------------------------

TOKEN = "q7Zt0xR2vLp9KdW4sYb8Nf3"
SECRETS = [
    (ECHO + f'token = "{TOKEN}"\n' + ROUTE, "[facet] token"),
    (ECHO + 'apiKey = "hunter22"\n' + ROUTE, "[facet] apiKey"),
    (ECHO + 'password = "hunter22"\n' + ROUTE, "[facet] password"),
    (ECHO + f'[facet.meta]\nowner = "Bearer {TOKEN}"\n' + ROUTE, "[facet.meta] owner"),
    (ECHO + f'[facet.meta]\ndescription = "ask with Macro {TOKEN}!"\n' + ROUTE, "[facet.meta] description"),
    (ECHO + f'[facet.meta]\nversion = "cap:{TOKEN}"\n' + ROUTE, "[facet.meta] version"),
    (ECHO + f'note = "{TOKEN}{TOKEN}"\n' + ROUTE, "[facet] note"),
    (ECHO + 'see = "https://bob:hunter22@x/"\n' + ROUTE, "[facet] see"),
    (HEAD + upstream(host="bob:hunter22@x") + ROUTE, "[upstream] host"),
    (HEAD + upstream(authorization="hunter22") + ROUTE, "[upstream] authorization"),
    (ECHO + ROUTE + route(f"/b/{TOKEN}{TOKEN}"), "[[route]] 2 path"),
    (ECHO + ROUTE + '[route.headers]\nauthorization = "hunter22"\n', "[[route]] 1 headers authorization"),
    (f'tokens = ["{TOKEN}"]\n' + ECHO + ROUTE, "tokens 1"),
    (ECHO.replace("echo", f"cap:{TOKEN}") + ROUTE, "[facet] kind"),
]


@pytest.mark.parametrize(("text", "place"), SECRETS, ids=[place for _, place in SECRETS])
def test_a_secret_is_an_error_that_does_not_show_it(text: str, place: str) -> None:
    """A value that looks like a token, is named like one, or holds user information; nothing quotes it."""
    manifest = Manifest.from_toml(text, source="shop.toml")
    findings = manifest.check()
    assert [f"shop.toml {place}"] == [str(finding.where) for finding in findings if finding.code == "secret"]
    assert {"error"} == {finding.level for finding in findings if finding.code == "secret"}
    for shown in [str(findings), *map(str, findings), str(manifest.upstream)]:
        assert TOKEN not in shown
        assert "hunter22" not in shown


@pytest.mark.parametrize(
    "harmless",
    [
        "Basic authentication, and a bearer of good news",
        "b3:" + "0a" * 32,
        "0a" * 32,
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "see https://example.org/@user/a-rather-long-path-of-many-words-in-it",
        "/assets/index-BdF3kP9a.js",
        "getUserAccountInformationForTheCatalogue2",
        "team-shop@example.org",
    ],
)
def test_what_is_no_secret_is_shown(harmless: str) -> None:
    """Digests, UUIDs, links, addresses and long names are not taken for secrets."""
    assert repr(harmless)[:20] == quoted(harmless)[:20]
    assert [] == [
        one for one in checked(ECHO + f'[facet.meta]\nowner = "{harmless}"\n' + ROUTE) if one.code == "secret"
    ]


def test_a_place_reads_as_file_table_key() -> None:
    """`str(place)` leaves out what there isn't."""
    assert "a.toml [facet] id" == str(Place("a.toml", "[facet]", "id"))
    assert "" == str(Place())


def with_token(document: dict[str, Any], at: tuple[Any, ...]) -> dict[str, Any]:
    """A copy of the document with a token in one place."""
    copied: dict[str, Any] = copy.deepcopy(document)
    inner: Any = copied
    for part in at[:-1]:
        inner = inner[part]
    inner[at[-1]] = f"{TOKEN}{TOKEN}"
    return copied


FULL: dict[str, Any] = {
    "facet": {"id": "a", "kind": "proxy", "meta": {"owner": "x"}, "limits": {"max_rps": 3}, "more": "x"},
    "upstream": {"scheme": "http", "host": "h", "port": 1, "base_path": "/a"},
    "route": [
        {"method": "GET", "path": "/a", "file": "f", "upstream_path": "/u", "integrity": {"sha256": "0"}},
        {"method": "GET", "path": "/a/:id/*tail"},
    ],
}
EVERYWHERE = [at for at, _ in leaves(FULL) if at != ("upstream", "port")]  # a file with a text there is refused


@pytest.mark.parametrize("at", EVERYWHERE, ids=str)
def test_a_token_anywhere_is_found_and_never_shown(at: tuple[Any, ...], tmp_path: Path) -> None:
    """Whatever key holds it, no finding and no difference quotes a token."""
    manifest = Manifest.from_toml(tomli_w.dumps(with_token(FULL, at)))
    findings = manifest.check(root=tmp_path)
    assert "secret" in {finding.code for finding in findings}
    clean = Manifest.from_toml(tomli_w.dumps(FULL))
    differences = [*diff([manifest], [clean]), *diff([clean], [manifest]), *diff([manifest], {"loaded": []})]
    assert [] == [str(one) for one in (*findings, *differences) if TOKEN in repr(one)]
