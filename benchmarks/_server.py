"""A server process that is never the bottleneck: nginx where there is one, else the benchmarks' own."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks._content import CREATED, ITEM, write_content

__all__ = ["Server", "own", "serving"]

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 10.0  # seconds for a server to come up
_NGINX = """
daemon off;
master_process off;
error_log stderr crit;
pid {root}/nginx.pid;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=1000 inactive=600s;
  open_file_cache_valid 600s;
  {temporary}
  types {{ }}
  default_type application/json;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    root {root};
    location = /app/items/i-1 {{ return 200 '{item}'; }}
    location = /app/items/events {{ default_type text/event-stream; try_files /events.txt =404; }}
    location = /app/items {{
      if ($request_method = POST) {{ return 201 '{created}'; }}
      try_files /pages/$arg_page_size-$arg_page_token.json =404;
    }}
  }}
}}
"""


class Server(NamedTuple):
    """A server that runs: where, and what it is."""

    url: str
    what: str


@contextlib.contextmanager
def serving(
    *, sizes: Iterable[int] = (), events: int = 0, delay: float = 0.0, endless: bool = False
) -> Iterator[Server]:
    """A server for the block's time; see ``write_content`` for what it serves.

    ``delay`` are seconds before each answer; with ``endless`` the stream's events come again and again. nginx can do
    neither, so the benchmarks' own server runs then.
    """
    with tempfile.TemporaryDirectory(prefix="ron-bench-") as folder:
        root = Path(folder)
        write_content(root, sizes=sizes, events=events)
        nginx = shutil.which("nginx") if not (delay or endless) else None
        with _nginx(nginx, root) if nginx else own(root, delay, endless) as server:
            yield server


@contextlib.contextmanager
def _nginx(command: str, root: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {root}/{kind};" for kind in kinds)
    text = _NGINX.format(root=root, port=port, temporary=temporary, item=ITEM, created=CREATED)
    (root / "nginx.conf").write_text(text, encoding="utf-8")
    found = subprocess.run([command, "-v"], capture_output=True, text=True, check=True).stderr
    version = re.search(r"nginx/[\d.]+", found)
    process = subprocess.Popen([command, "-p", str(root), "-e", "stderr", "-c", str(root / "nginx.conf")], text=True)
    with _ended(process):
        _await_port(process, port)
        yield Server(f"http://127.0.0.1:{port}", f"{version[0] if version else 'nginx'}, one process")


@contextlib.contextmanager
def own(root: Path, delay: float, endless: bool) -> Iterator[Server]:
    """The benchmarks' own server for the block's time; ``delay`` in seconds. See ``serving``."""
    arguments = [sys.executable, "-m", "benchmarks._own_server", str(root), "--delay", str(delay)]
    arguments += ["--endless"] if endless else []
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    with _ended(process):
        assert process.stdout is not None
        port = int(process.stdout.readline())
        loop = "uvloop" if importlib.util.find_spec("uvloop") is not None else "asyncio"
        late = f", {delay * 1000:g} ms before each answer" if delay else ""
        yield Server(f"http://127.0.0.1:{port}", f"the benchmarks' own, {loop}, one process{late}")


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.communicate()


def _await_port(process: subprocess.Popen[str], port: int) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.01)
