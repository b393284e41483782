"""`ron list|get|create|update|delete`: typed by the declaration, for people, pipes and programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Optional

import pytest

from ron import Resource, Singleton
from ron.cli._render import columns
from ron.resources._description import description_of
from tests.cli.rig import Ran, run, run_on_terminal, seed_file
from tests.cli.shop import ITEM, TASK
from tests.reference_node import Node

HEADS = ["id", "name", "status", "price", "count", "sold", "note", "tags", "blob", "created_at"]
KETTLE = {"name": "kettle", "price": "1299"}
CUP = {"name": "cup", "status": "open", "price": "250", "note": "n"}


def words(value: object) -> Optional[str]:
    """The id of a case that is a list of arguments."""
    return " ".join(value) if isinstance(value, list) else None


def on_memory(*arguments: str, seed: str = "") -> Ran:
    """Runs the command on a node in the process."""
    return run(*arguments, "--memory", *(["--seed", seed] if seed else []))


def reaching(node: Node) -> dict[str, str]:
    """The environment that names a node."""
    return {"RON_APP_URL": node.url, "RON_SDK_ALLOW_INSECURE_HTTP": "1", "RON_SDK_MAX_RETRIES": "0"}


# --- list -------------------------------------------------------------------------------------


def test_a_list_in_a_pipe_is_tab_separated(tmp_path: Path) -> None:
    """Outside a terminal a list is one line of heads and one tab-separated line an object."""
    ran = on_memory("list", ITEM, seed=seed_file(tmp_path, KETTLE, CUP))
    assert (0, "") == (ran.code, ran.err)
    assert [
        HEADS,
        ["i-1", "kettle", "new", "1299", "0", "false", "", "[]", "", "2026-01-01T00:00:00Z"],
        ["i-2", "cup", "open", "250", "0", "false", "n", "[]", "", "2026-01-01T00:00:00Z"],
    ] == ran.rows


def test_a_list_on_a_terminal_is_a_table(tmp_path: Path) -> None:
    """On a terminal the same is a table in colour, no wider than the terminal."""
    ran = run_on_terminal("list", ITEM, "--memory", "--seed", seed_file(tmp_path, KETTLE, CUP), width=120)
    assert 0 == ran.code
    assert "\x1b[1m" in ran.out
    assert "kettle" in ran.out
    assert "\t" not in ran.out


def test_no_color_is_heeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`NO_COLOR` takes the colour out of a terminal's table."""
    monkeypatch.setenv("NO_COLOR", "1")
    ran = run_on_terminal("list", ITEM, "--memory", "--seed", seed_file(tmp_path, KETTLE), width=120)
    assert "kettle" in ran.out
    assert "\x1b[36m" not in ran.out


def test_an_empty_list_has_its_heads_only() -> None:
    """A list of nothing is the heads, an empty JSON list, or nothing at all."""
    assert [HEADS] == on_memory("list", ITEM).rows
    assert [] == on_memory("list", ITEM, "--json").json
    assert "" == on_memory("list", ITEM, "--ndjson").out


def test_a_list_as_json_is_what_nodes_write(tmp_path: Path) -> None:
    """`--json` gives one list, `--ndjson` one object a line, both in the wire's form and good as a seed."""
    seed = seed_file(tmp_path, {**KETTLE, "colour": "red"})
    (whole,) = on_memory("list", ITEM, "--json", seed=seed).json
    assert ("1299", "red") == (whole["price"], whole["colour"])
    lines = on_memory("list", ITEM, "--ndjson", seed=seed)
    assert [whole] == [json.loads(line) for line in lines.out.splitlines()]
    again = tmp_path / "again.ndjson"
    again.write_text(lines.out * 1, encoding="utf-8")
    assert lines == on_memory("list", ITEM, "--ndjson", seed=str(again))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["-f", "status=open"], ["i-2"]),
        (["-f", "price=1299"], ["i-1"]),
        (["-f", 'name:="cup"', "-f", "sold=false"], ["i-2"]),
        (["-f", "price:=250"], ["i-2"]),
        (["-f", "count=0"], ["i-1", "i-2"]),
        (["--limit", "1"], ["i-1"]),
        (["--page-size", "1"], ["i-1", "i-2"]),
        (["--page-size", "1", "--limit", "2"], ["i-1", "i-2"]),
    ],
    ids=words,
)
def test_a_list_is_filtered_by_typed_fields(tmp_path: Path, given: list[str], found: list[str]) -> None:
    """`-f` takes the resource's fields, typed as declared; `--limit` counts objects, `--page-size` the wire's."""
    ran = on_memory("list", ITEM, *given, seed=seed_file(tmp_path, KETTLE, CUP))
    assert (0, "") == (ran.code, ran.err)
    assert found == [row[0] for row in ran.rows[1:]]


def test_declared_filters_are_typed_too(node: Node) -> None:
    """A declared filter is read by its own type; one that takes a list may be given several times."""
    given = ["-f", "updated_after=2026-01-01T01:00:00+01:00", "-f", "name_in=a", "-f", "name_in=b"]
    node.answer(200, body=b'{"items": []}')
    assert 0 == run("list", ITEM, *given, "-q", "x=1", "-q", "x=2", env=reaching(node)).code
    (request,) = node.requests
    assert "updated_after=2026-01-01T00%3A00%3A00Z&name_in=a&name_in=b&x=1&x=2" == request.query


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["-f", "staus=open"], "ron: Item has no filter 'staus' (did you mean 'status'?)"),
        (["-f", "status"], "ron: filter 'status' must be name=value, or name:=JSON"),
        (["-f", "price=dear"], "ron: filter 'price': "),
        (["--json", "--ndjson"], "ron list: --json and --ndjson: give one of them (see ron list --help)"),
        (["--at", "project_id=p"], "ron: Item has no path parameter 'project_id'"),
        (["--limit", "0"], "ron list: Invalid value for '--limit'"),
        (["--seed", "nowhere.json"], "ron: --seed nowhere.json can't be read: No such file or directory"),
    ],
    ids=words,
)
def test_what_is_wrong_with_a_list_is_said_in_one_line(given: list[str], message: str) -> None:
    """A mistake is one line on stderr and exit code 2; nothing is written to stdout."""
    ran = on_memory("list", ITEM, *given)
    assert (2, "") == (ran.code, ran.out)
    assert ran.err.startswith(message)
    assert 1 == ran.err.count("\n")


def test_an_error_half_way_says_where_to_go_on(node: Node) -> None:
    """A page that fails ends the list with the token to go on from; a table or JSON list is not shown in part."""
    body = b'{"items": [{"id": "n-1", "text": "a"}], "next_page_token": "t2"}'
    for form, shown in (("--json", ""), ("--ndjson", '{"id":"n-1","text":"a"}\n')):
        node.answer(200, body=body)
        node.fail(503)
        ran = run("list", "tests.cli.shop:Note", form, env=reaching(node))
        assert (5, shown) == (ran.code, ran.out)
        assert "go on with --page-token t2" in ran.err


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shop", "'shop' must name a module and a class in it, such as shop:Item"),
        ("nowhere:Item", "there is no module 'nowhere', neither installed nor in "),
        ("tests.cli.shop:Itm", "tests.cli.shop has no 'Itm' (did you mean 'Item'?); it declares "),
        ("tests.cli.shop:Shop", "tests.cli.shop:Shop: Shop is no Resource with a path"),
        ("tests/cli/shop.py:Item", "write a module's name, not a file's: tests.cli.shop:Item"),
        (
            "tests.cli.broken:Item",
            "tests.cli.broken could not be imported: RonConfigError: class Wrong: unknown keyword",
        ),
    ],
)
def test_a_name_that_is_wrong_says_what_to_write(name: str, message: str) -> None:
    """What is wrong with MODULE:ITEM is said in one line, with what to write instead."""
    ran = on_memory("list", name)
    assert (2, "") == (ran.code, ran.out)
    assert message in ran.err
    assert 1 == ran.err.count("\n")


def test_modules_are_found_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module beside the caller is found, though a script's own folder is what Python looks in."""
    source = "from ron import Resource\nclass Thing(Resource, path='/app/things'):\n    id: str\n    size: int = 1\n"
    (tmp_path / "things_beside.py").write_text(source, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [path for path in __import__("sys").path if path])
    assert "id\tt\nsize\t1\n" == on_memory("create", "things_beside:Thing", "id=t").out


# --- create, get, update, delete --------------------------------------------------------------


def test_create_reads_fields_by_their_types() -> None:
    """`name=value` is read by the field's type, `name:=JSON` as JSON; `null` is only sent when it is meant."""
    fields = ["name=5", "price=18446744073709551615", "count=7", "sold=true", "note=null", "blob=aGk"]
    made = on_memory("create", ITEM, *fields, 'tags:=["a", "b"]', "--json").json
    assert ("5", "18446744073709551615", 7, True, "null", "aGk") == tuple(
        made[name] for name in ("name", "price", "count", "sold", "note", "blob")
    )
    assert ["a", "b"] == made["tags"]
    assert None is on_memory("create", ITEM, "name=x", "note:=null", "--json").json["note"]


def test_create_takes_a_json_object(tmp_path: Path) -> None:
    """`-d` gives the fields as a JSON object, a file or stdin; fields that stand alone win over it."""
    data = {"name": "kettle", "price": "7", "tags": ["a"]}
    path = tmp_path / "item.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    for given, text in ((json.dumps(data), None), (f"@{path}", None), ("-", json.dumps(data))):
        made = run("create", ITEM, "-d", given, "price=8", "--json", "--memory", input=text).json
        assert ("kettle", "8", ["a"]) == (made["name"], made["price"], made["tags"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["nme=x"], "ron: Item: nme: Item has no field 'nme' (did you mean 'name'?)"),
        (["name=x", "id=5"], "id is assigned by the node"),
        (["name=x", "count=-1"], "ron: field 'count': "),
        (["name=x", "name=y"], "ron: field 'name' is given twice"),
        (["name=x", "tags:=[1"], "ron: field 'tags': "),
        (["kettle"], "ron: field 'kettle' must be name=value"),
        (["-d", "[1]"], "ron: -d must be a JSON object of Item's fields"),
        (["-d", "{name: 1}"], "ron: -d is no JSON: "),
        (["-d", '{"name": NaN}'], "ron: -d is no JSON: NaN, infinities"),
        (["-d", "@nowhere.json"], "ron: -d @nowhere.json: No such file or directory"),
    ],
    ids=words,
)
def test_what_is_wrong_with_fields_is_said(given: list[str], message: str) -> None:
    """A field that doesn't fit the declaration is refused before anything is sent, in one line."""
    ran = on_memory("create", ITEM, *given)
    assert (2, "") == (ran.code, ran.out)
    assert message in ran.err
    assert 1 == ran.err.count("\n")


def test_one_object_is_shown_field_by_field(tmp_path: Path) -> None:
    """`get` shows one object, a name and a value a line; on a terminal in columns."""
    seed = seed_file(tmp_path, KETTLE)
    ran = on_memory("get", ITEM, "i-1", seed=seed)
    assert [["id", "i-1"], ["name", "kettle"]] == ran.rows[:2]
    shown = run_on_terminal("get", ITEM, "i-1", "--memory", "--seed", seed)
    assert "kettle" in shown.out
    assert "\t" not in shown.out


def test_an_object_that_is_not_there_is_exit_code_4() -> None:
    """A 404 is one line with the node's words and the request's id, and exit code 4."""
    ran = on_memory("get", ITEM, "i-9")
    assert (4, "") == (ran.code, ran.out)
    assert "404 not_found: there is no object 'i-9' (request id " in ran.err


def test_update_changes_what_is_given(tmp_path: Path) -> None:
    """`update` sends the given fields only, and shows the object as it is then."""
    seed = seed_file(tmp_path, CUP)
    changed = on_memory("update", ITEM, "i-1", "price=300", "note:=null", "--json", seed=seed).json
    assert ("cup", "open", "300", None) == tuple(changed[name] for name in ("name", "status", "price", "note"))
    assert "nothing to change" in on_memory("update", ITEM, "i-1", seed=seed).err


def test_delete_says_what_it_did(tmp_path: Path) -> None:
    """`delete` says so on stderr; a key that is not there is an error unless that is fine."""
    seed = seed_file(tmp_path, CUP)
    assert Ran(0, "", "deleted i-1\n") == on_memory("delete", ITEM, "i-1", seed=seed)
    assert 4 == on_memory("delete", ITEM, "i-2", seed=seed).code
    assert 0 == on_memory("delete", ITEM, "i-2", "--missing-ok", seed=seed).code


def test_resources_below_a_parent_need_it() -> None:
    """`--at` names the parents of a resource's path; without it the message says what to add."""
    ran = on_memory("create", TASK, "Title=sweep", "--at", "project_id=p1", "--json")
    assert {"project_id": "p1", "id": 1, "Title": "sweep"} == ran.json
    assert "ron: Task lives below 'project_id': add --at project_id=VALUE\n" == on_memory("list", TASK).err


def test_an_idempotency_key_is_sent(node: Node) -> None:
    """`--idempotency-key` is the caller's word for a key of theirs, or for a new one."""
    for given in ("mine", "new"):
        assert 0 == run("create", "tests.cli.shop:Note", "text=x", "--idempotency-key", given, env=reaching(node)).code
    first, second = (request.header("idempotency-key") for request in node.requests)
    assert "mine" == first
    assert second not in (None, "new")


def test_a_write_without_an_answer_is_exit_code_6(node: Node) -> None:
    """A write that may have happened is told as that, with the key to repeat it by, and exit code 6."""
    node.lose_response()
    ran = run("create", "tests.cli.shop:Note", "text=x", "--idempotency-key", "mine", env=reaching(node), input="")
    assert (6, "") == (ran.code, ran.out)
    assert "the request may have been carried out" in ran.err
    assert "'mine'" in ran.err


class Meter(Resource, path="/app/meters", key=("region", "number")):
    """Has a key of two parts."""

    value: int = 0
    region: str
    number: int


class Settings(Singleton, path="/app/settings"):
    """The one of its kind."""

    theme: str = "light"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["get"], "ron: GET /app/settings: 404"),
        (["get", "s-1"], "ron: Settings is a singleton: there is one, without a key: leave 's-1' out"),
        (["update", "theme=dark"], "ron: PATCH /app/settings: 404"),
        (["update", "thme=dark"], "ron: Settings has no field 'thme' (did you mean 'theme'?)"),
    ],
    ids=words,
)
def test_a_singleton_has_no_key(arguments: list[str], says: str) -> None:
    """It is named by its class alone; on a node that has none yet that is a 404."""
    command, *rest = arguments
    ran = on_memory(command, "tests.cli.test_objects:Settings", *rest)
    assert ran.err.startswith(says)


@pytest.mark.parametrize("command", ["get", "update", "delete"])
def test_others_need_their_key(command: str) -> None:
    """A key that was left out is missed before anything is sent."""
    assert f"ron {command}: Missing argument 'KEY' (see ron {command} --help)" in on_memory(command, ITEM).err


def test_parts_of_a_key_are_columns_of_their_own() -> None:
    """A table begins with the parts of a composite key, in their order."""
    assert ["region", "number", "value"] == columns(description_of(Meter))
