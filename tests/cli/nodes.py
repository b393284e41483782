"""Small nodes of each kind, as protocol.md says that they answer, on real sockets; for `ron doctor`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Optional

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.reference_node.certificates import issue_certificates
from tests.reference_node.serve import _config, _listen, _Server, _wait_until_listening

__all__ = ["SHOP", "Answers", "Town", "gateway", "macronode", "micronode", "omnigate", "serving", "town"]

#: path → status, content type, body, further headers
Answers = Mapping[str, tuple[int, str, str, Mapping[str, str]]]
_TEXT, _JSON = "text/plain", "application/json"
SHOP = {"id": "shop", "kind": "proxy", "routes": [{"method": "GET", "path": "/items"}], "upstream": "http://a:1"}


def text(body: str, status: int = 200, **headers: str) -> tuple[int, str, str, Mapping[str, str]]:
    """A plain-text answer."""
    return status, _TEXT, body, headers


def told(value: Any, status: int = 200, **headers: str) -> tuple[int, str, str, Mapping[str, str]]:
    """A JSON answer."""
    return status, _JSON, json.dumps(value), headers


def gateway(**changes: Any) -> Answers:
    """svc-gateway in front of an omnigate that mounts its health route only."""
    return {
        "/healthz": text("ok"),
        "/readyz": text("ready"),
        "/version": told({"service": "svc-gateway", "version": "0.1.0"}),
        "/app/healthz": told({"ok": True}),
        **changes,
    }


def omnigate(**changes: Any) -> Answers:
    """Omnigate, reached directly."""
    return {"/healthz": told({"ok": True}), "/readyz": told({"ready": True}), "/v1/app/healthz": told({}), **changes}


def micronode(*facets: Any, **changes: Any) -> Answers:
    """A micronode with these facets loaded."""
    return {
        "/healthz": text("ok"),
        "/readyz": text("ready"),
        "/version": text("micronode 0.2.0"),
        "/facets/meta": told({"loaded": list(facets)}),
        **changes,
    }


def macronode(**changes: Any) -> Answers:
    """A macronode's admin port."""
    deps = {"index": "ok", "storage": "ok"}
    return {"/healthz": told({"ok": True, "deps": deps}), "/readyz": told({"ready": True, "deps": deps}), **changes}


def _app(streets: Mapping[str, Answers]) -> Starlette:
    """Each node below a path of its own; `""` is the node at the root."""

    async def answer(request: Request) -> Response:
        whole = request.url.path
        street = next((street for street in streets if street and whole.startswith(f"{street}/")), "")
        answers, path = streets.get(street, {}), whole[len(street) :]
        if path in answers:
            status, media, body, headers = answers[path]
            return Response(body, status, {"Content-Type": media, **headers})
        if path.endswith("/streaming"):
            return StreamingResponse(iter([b": hello\n\n"]), media_type="text/event-stream")
        if path.endswith("/hanging"):  # a gateway that buffers an endless answer, or a service that is stuck
            while (await request.receive())["type"] != "http.disconnect":
                pass
        return Response(status_code=404)

    return Starlette(routes=[Route("/{path:path}", answer)])


class Town:
    """Many nodes behind one socket, so that a test need not start a server of its own."""

    def __init__(self) -> None:
        self.url = ""
        self.streets: dict[str, Answers] = {}

    def node(self, answers: Answers) -> str:
        """Adds a node that answers so; gives its base URL."""
        street = f"/node-{len(self.streets)}"
        self.streets[street] = answers
        return f"{self.url}{street}"


@contextmanager
def town() -> Iterator[Town]:
    """A server for many nodes."""
    many = Town()
    with _running(many.streets) as many.url:
        yield many


@contextmanager
def serving(answers: Answers, *, tls_dir: Optional[Path] = None) -> Iterator[str]:
    """Serves these answers on 127.0.0.1, at a port of their own; everything else is an empty 404. Gives the URL."""
    with _running({"": answers}, tls_dir) as url:
        yield url


@contextmanager
def _running(streets: Mapping[str, Answers], tls_dir: Optional[Path] = None) -> Iterator[str]:
    certificates = None if tls_dir is None else issue_certificates(tls_dir)
    listener = _listen()
    server = _Server(_config(_app(streets), certificates))
    thread = threading.Thread(target=server.run_to_end, args=([listener],), daemon=True)
    with closing(listener):
        thread.start()
        try:
            _wait_until_listening(server)
            yield f"http{'' if certificates is None else 's'}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
