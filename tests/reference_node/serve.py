"""A node on a real socket: uvicorn in a thread, ready when `serve()` yields, gone afterwards."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Optional

import uvicorn
from starlette.applications import Starlette

from tests.reference_node.app import DEFAULT_COLLECTIONS, create_app
from tests.reference_node.certificates import Certificates, issue_certificates
from tests.reference_node.node import Node
from tests.reference_node.wire import WireProtocol

_START_SECONDS = 30.0
_STOP_SECONDS = 30.0


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: Optional[list[socket.socket]] = None) -> None:
        """Start listening, then tell the thread that waits."""
        await super().startup(sockets)
        self.listening.set()

    def run_to_end(self, sockets: list[socket.socket]) -> None:
        """Run to the end; a server that can't start must not leave the other thread waiting."""
        try:
            self.run(sockets)
        finally:
            self.listening.set()


@contextmanager
def serve(collections: Iterable[str] = DEFAULT_COLLECTIONS, *, tls_dir: Optional[Path] = None) -> Iterator[Node]:
    """Run a node on 127.0.0.1 for the length of the block.

    With `tls_dir` it speaks https; its certificate, good for 127.0.0.1 and localhost, and the CA's
    are written there.
    """
    certificates = None if tls_dir is None else issue_certificates(tls_dir)
    listener = _listen()
    scheme = "http" if certificates is None else "https"
    url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
    node = Node(url, None if certificates is None else certificates.ca)
    server = _Server(_config(create_app(collections, node=node), certificates))
    thread = threading.Thread(target=server.run_to_end, args=([listener],), name="reference-node", daemon=True)
    with closing(node.store):
        thread.start()
        try:
            _wait_until_listening(server)
            yield node
        finally:
            server.should_exit = True
            node.hub.close()
            thread.join(_STOP_SECONDS)
            listener.close()
        if thread.is_alive():
            raise RuntimeError("the reference node did not stop")


def _listen() -> socket.socket:
    # asyncio turns Nagle's algorithm off only on sockets that name their protocol; with it on, an
    # answer's body waits some 40 ms for the client to acknowledge the headers.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    return listener


def _wait_until_listening(server: _Server) -> None:
    if not server.listening.wait(_START_SECONDS) or not server.started:
        raise RuntimeError("the reference node did not start")


def _config(app: Starlette, certificates: Optional[Certificates]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=WireProtocol,
        ws="none",
        loop="asyncio",
        log_config=None,
        # The node records its own failures; a planned one would only clutter the tests' output.
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        ssl_certfile=None if certificates is None else certificates.chain,
        ssl_keyfile=None if certificates is None else certificates.key,
    )
