"""Proxies that buffer: a small gateway of our own, as protocol.md tells of svc-gateway and micronode, and nginx."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx

__all__ = ["BUFFERING", "gateway"]

PATIENCE = 20.0
_HOP = frozenset({"connection", "content-encoding", "content-length", "host", "transfer-encoding"})


@contextmanager
def gateway(node_url: str) -> Iterator[str]:
    """The URL of a gateway before a node: it reads an answer to its end before it sends the first byte of it."""
    started, holder = threading.Event(), []

    async def main() -> None:
        stop = asyncio.Event()
        async with httpx.AsyncClient(base_url=node_url, timeout=None, trust_env=False) as upstream:
            server = await asyncio.start_server(lambda *ends: _carry(upstream, *ends), "127.0.0.1", 0)
            holder.extend([asyncio.get_running_loop(), stop, server.sockets[0].getsockname()[1]])
            started.set()
            await stop.wait()
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0)

    thread = threading.Thread(target=asyncio.run, args=(main(),), name="gateway")
    thread.start()
    assert started.wait(PATIENCE), "the gateway does not start"
    try:
        yield f"http://127.0.0.1:{holder[2]}"
    finally:
        holder[0].call_soon_threadsafe(holder[1].set)
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the gateway does not stop"


async def _carry(upstream: httpx.AsyncClient, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection: one request at a time, until the client leaves."""
    with contextlib.suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ")
            fields: list[Any] = [line.split(": ", 1) for line in head[1:] if line]
            length = next((int(value) for name, value in fields if name.lower() == "content-length"), 0)
            body = await reader.readexactly(length)
            sent = [(name, value) for name, value in fields if name.lower() not in _HOP]
            asking = asyncio.ensure_future(upstream.request(method, target, headers=sent, content=body))
            leaving = asyncio.ensure_future(reader.read(1))  # nobody speaks before the answer: they can only leave
            await asyncio.wait({asking, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                asking.cancel()
                break
            leaving.cancel()
            await asyncio.wait({leaving})
            writer.write(_answer(asking.result()))
            await writer.drain()
    writer.close()


def _answer(answer: httpx.Response) -> bytes:
    kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP]
    if answer.status_code not in (204, 304):
        kept.append(("Content-Length", str(len(answer.content))))
    lines = "".join(f"{name}: {value}\r\n" for name, value in kept)
    return f"HTTP/1.1 {answer.status_code} X\r\n{lines}\r\n".encode("latin-1") + answer.content


_NGINX = """
daemon off;
master_process off;
error_log stderr crit;
pid {root}/nginx.pid;
events {{ }}
http {{
  access_log off;
  {temporary}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {node_url};
      proxy_http_version 1.1;
      proxy_buffering on;
    }}
  }}
}}
"""


@contextmanager
def nginx(node_url: str) -> Iterator[str]:
    """The URL of an nginx before a node, with the buffering that it has when nobody turns it off."""
    with socket.socket() as probe, tempfile.TemporaryDirectory(prefix="ron-nginx-") as folder:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        probe.close()
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        file = Path(folder) / "nginx.conf"
        file.write_text(_NGINX.format(root=folder, port=port, temporary=temporary, node_url=node_url), encoding="utf-8")
        command = [shutil.which("nginx") or "nginx", "-p", folder, "-e", "stderr", "-c", str(file)]
        with subprocess.Popen(command) as process:
            try:
                _await_port(process, port)
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        assert process.poll() is None, "nginx has ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), PATIENCE):
            return
        pause.wait(0.01)
    raise AssertionError("nginx does not start")


Buffering = Callable[[str], AbstractContextManager[str]]
#: nginx only where the machine has it; `.ci/run` installs it
BUFFERING: dict[str, Buffering] = {"gateway": gateway, **({"nginx": nginx} if shutil.which("nginx") else {})}
