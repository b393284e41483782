"""`ron doctor` against nodes on real sockets, and against nothing: the probes, the report, the exit code."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Optional

import pytest

from ron import RonClientSync
from ron.cli.doctor._probes import Questions, examine, neighbours
from ron.testing import FakeClock
from tests.cli.nodes import SHOP, Answers, Town, gateway, macronode, micronode, omnigate, serving, text, told, town
from tests.cli.rig import Ran, run, run_on_terminal


def found(ran: Ran) -> dict[str, tuple[str, str]]:
    """Code → level and message, the last of each."""
    return {row[1]: (row[0], row[2]) for row in ran.rows}


@pytest.fixture(scope="module")
def nodes() -> Iterator[Town]:
    """One server for the nodes of all these tests."""
    with town() as many:
        yield many


Examine = Callable[..., Ran]


@pytest.fixture
def examined(nodes: Town) -> Examine:
    """What the doctor says of a node that answers so: call it with the answers and the command's arguments."""

    def examine_node(answers: Answers, *arguments: str) -> Ran:
        return run("doctor", nodes.node(answers), *arguments)

    return examine_node


def test_a_healthy_gateway_is_exit_code_0(examined: Examine) -> None:
    """A gateway whose /app reaches omnigate is told as that, with its health, version, clock and TLS."""
    ran = examined(gateway())
    assert (0, "") == (ran.code, ran.err)
    assert {
        "kind": ("ok", "this is svc-gateway: it forwards /app/* to omnigate"),
        "tls": ("note", "plain http, on this machine only"),
        "health": ("ok", "healthy: ok"),
        "ready": ("ok", "ready: ready"),
        "version": ("ok", "service svc-gateway, version 0.1.0"),
        "clock": ("ok", "the node's clock and this one agree"),
        "app": ("ok", "/app reaches omnigate"),
        "streams": ("note", "svc-gateway buffers whole answers: an endless stream never arrives"),
    } == found(ran)


@pytest.mark.parametrize(
    ("answers", "code", "kind", "level"),
    [
        (gateway(), 0, "gateway", "ok"),
        (gateway(**{"/app/healthz": text("", 502)}), 1, "gateway", "ok"),
        (omnigate(), 0, "omnigate", "warning"),
        (micronode(SHOP), 0, "micronode", "warning"),
        (macronode(), 1, "macronode", "error"),
        ({"/": text("hello")}, 1, "unknown", "error"),
    ],
)
def test_each_kind_of_node_is_recognised(examined: Examine, answers: Answers, code: int, kind: str, level: str) -> None:
    """What answers is named, by how it answers; an error among the findings is exit code 1."""
    ran = examined(answers, "--json")
    assert (code, kind) == (ran.code, ran.json["kind"])
    assert [level] == [finding["level"] for finding in ran.json["findings"] if "kind" == finding["code"]]


def test_warnings_count_where_asked(examined: Examine) -> None:
    """`--strict` makes warnings exit code 1 as well."""
    assert 1 == examined(omnigate(), "--strict").code


def test_a_micronode_wants_its_own_settings(examined: Examine) -> None:
    """A micronode's facets are told; `--micronode` sets prefix and scheme, and the warning is gone."""
    answers = micronode(SHOP, {"id": "site", "kind": "static", "routes": []})
    before, after = examined(answers), examined(answers, "--micronode")
    assert "warning" == found(before)["kind"][0]
    assert ("ok", "this is a micronode: facets are at /facets, and tokens come as 'Macro'") == found(after)["kind"]
    assert ("warning", "loaded without a route: site") == found(after)["facets"]
    assert "loaded: shop (proxy, 1 route), site (static, 0 routes)" in after.out


def test_a_route_of_the_callers_is_tried_with_the_token(nodes: Town) -> None:
    """`--path` is asked for with the token; nothing else is. The token is not sent over plain http unless accepted."""
    challenged = text("unauthorized", 401, **{"WWW-Authenticate": 'Macro realm="micronode"'})
    answers = micronode(SHOP, **{"/facets/shop/items": challenged})
    env = {"RON_APP_URL": nodes.node(answers), "RON_APP_TOKEN": "tok-123456789"}
    withheld = run("doctor", "--path", "/facets/shop/items", env=env)
    sent = run("doctor", "--path", "/facets/shop/items", "--insecure-http", "--micronode", env=env)
    assert ("note", "plain http, on this machine only; the token was not sent") == found(withheld)["tls"]
    assert ("error", "the node asks for 'Macro' tokens; the client sends 'Bearer'") == found(withheld)["auth"]
    assert ("error", "/facets/shop/items answers 401") == found(sent)["path"]
    assert ("note", "the node asks for a token, as Macro; there is one") == found(sent)["auth"]
    assert "tok-123456789" not in f"{withheld}{sent}"


@pytest.mark.parametrize(
    ("stream", "level", "message"),
    [
        ("/app/streaming", "ok", "/app/streaming streams: its head came at once"),
        ("/app/healthz", "error", "/app/healthz is no event stream: it says application/json"),
        ("/app/nowhere", "error", "/app/nowhere answers 404"),
    ],
)
def test_a_stream_is_tried(examined: Examine, stream: str, level: str, message: str) -> None:
    """`--stream` opens an event stream and says whether it arrives while it lasts."""
    assert (level, message) == found(examined(gateway(), "--stream", stream))["streams"]


def test_a_buffered_stream_is_found_out(examined: Examine) -> None:
    """A stream whose head doesn't come within its time is buffered on the way; `--timeout` bounds it all."""
    level, message = found(examined(gateway(), "--stream", "/app/hanging", "--timeout", "0.6"))["streams"]
    assert "warning" == level
    assert message.startswith("/app/hanging: no head within ")


def test_certificates_are_verified(tmp_path: Path) -> None:
    """A certificate of an unknown authority is an error with its remedy; with the bundle TLS is told."""
    with serving(gateway(), tls_dir=tmp_path) as url:
        refused, accepted = run("doctor", url), run("doctor", url, "--ca-file", str(tmp_path / "ca.pem"))
    assert 1 == refused.code
    assert found(refused)["reach"][1].endswith("its certificate does not verify")
    assert 0 == accepted.code
    level, message = found(accepted)["tls"]
    assert "ok" == level
    assert message.startswith("the certificate verifies; TLSv1.3 TLS_")


def test_the_wrong_scheme_is_told(nodes: Town) -> None:
    """https:// at a port that speaks plain http is an error that says so."""
    ran = run("doctor", nodes.url.replace("http:", "https:"))
    assert (1, "it does not speak TLS") == (ran.code, found(ran)["reach"][1].partition(": ")[2])


def test_nothing_at_a_port_is_told_at_once() -> None:
    """Where nothing listens the doctor says so after one question, with what to do; the exit code is 1."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening: nobody else takes it meanwhile
        ran = run("doctor", f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert 1 == ran.code
    (row,) = [row for row in ran.rows if "elsewhere" != row[1]]
    assert ["error", "reach"] == row[:2]
    assert "nothing accepts connections there" in row[2]
    assert "start the node, or check host and port" == row[3]


@contextmanager
def talking(answer: Optional[bytes]) -> Iterator[str]:
    """A port that answers every connection with these bytes, or accepts it and is silent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    taken, _ = listener.accept()
                except OSError:
                    return
                held.append(taken)
                if answer is not None:
                    with closing(taken):
                        taken.recv(4096)
                        taken.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        for taken in held:
            taken.close()


def test_what_is_no_http_is_told() -> None:
    """A port that speaks something else is told as that."""
    with talking(b"SSH-2.0-OpenSSH_9.6\r\n\r\n") as url:
        ran = run("doctor", url)
    assert (1, "error") == (ran.code, found(ran)["reach"][0])
    assert "no HTTP/1.1" in found(ran)["reach"][1]


def test_a_node_that_hangs_does_not_hang_the_doctor() -> None:
    """A port that accepts and never answers ends at the bound, with what was not looked at."""
    with talking(None) as url:
        ran = run("doctor", url, "--timeout", "0.3")
    assert (1, "error") == (ran.code, found(ran)["reach"][0])
    assert "no answer came in time" in found(ran)["reach"][1]


def test_a_clock_that_is_off_is_told(examined: Examine) -> None:
    """A Date that is far from our own clock is a warning that says by how much; nonsense counts as none."""
    with serving(gateway()) as url, RonClientSync(base_url=url, allow_insecure_http=True, clock=FakeClock()) as client:
        skew = examine(client, Questions()).probes["/healthz"].skew
    assert skew is not None
    assert abs(skew) > 3600  # a fake clock begins at a time of its own
    ran = examined(gateway(**{"/healthz": text("ok", Date="Thu, 01 Jan 1970 00:00:00 GMT")}), "--json")
    assert "clock" in {finding["code"] for finding in ran.json["findings"]}


def test_other_ports_of_this_machine_are_tried() -> None:
    """Where no app plane answers, what does at the other usual ports is told; a port that is silent is not."""
    with serving(micronode()) as first, serving({"/healthz": text("hi")}) as second:
        ports = {int(url.rpartition(":")[2]): "a name" for url in (first, second)}
        ports[1] = "nothing"

        def at(port: int) -> RonClientSync:
            return RonClientSync(base_url=f"http://127.0.0.1:{port}", allow_insecure_http=True)

        one, other = list(ports)[:2]
        assert {one: "micronode", other: "some HTTP service"} == neighbours(0, at, 9.0, ports)
        assert {other: "some HTTP service"} == neighbours(one, at, 9.0, ports)
        assert {} == neighbours(one, at, 0.0, ports)


def test_the_memory_node_is_examined_too() -> None:
    """With `--memory` the node in the process is looked at."""
    ran = run("doctor", "--memory", "--serve", "tests.cli.shop")
    assert (0, ("ok", "this is a node in this process")) == (ran.code, found(ran)["kind"])


def test_a_terminal_gets_marks_and_remedies(nodes: Town) -> None:
    """On a terminal each finding has a mark, and its remedy on a line of its own."""
    url = nodes.node(macronode())
    ran = run_on_terminal("doctor", url, width=200, env={"NO_COLOR": "1"})
    assert 1 == ran.code
    assert "✗ \x1b[22m" not in ran.out
    assert "→ give the gateway's URL, by default port 5304" in ran.out
    assert url in ran.out


def test_what_a_node_says_is_shown_safely(examined: Examine) -> None:
    """Escape sequences and HTML of a node's don't come through, in any form."""
    answers = gateway(**{"/version": told({"version": "\x1b[2J"}), "/readyz": text("<html>\x1b[2J", 503)})
    for arguments in ([], ["--json"]):
        ran = examined(answers, *arguments)
        assert 1 == ran.code
        assert "\x1b" not in ran.out
        assert "not ready (503): a page of HTML" in ran.out
