"""The pictures of docs/cli.md: `python -m tests.docs.cli_pictures` writes them anew.

Each shows a command of the page as a terminal would, drawn by rich: the same commands give the same bytes. What a node
would have to be asked for is made up here.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from ron.cli._app import app
from ron.cli._screen import Screen
from ron.cli.doctor._diagnose import diagnose
from ron.cli.doctor._evidence import Evidence, Probe
from ron.cli.doctor._report import show

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "cli.md"
PICTURES = ROOT / "docs" / "pictures"
WIDTH = 100
#: without the fonts that rich would fetch from elsewhere
SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def files_of_the_page() -> dict[str, str]:
    """The files that the page tells its reader to have, by name."""
    text = PAGE.read_text(encoding="utf-8")
    found = {}
    for name, language in (("shop.py", "python"), ("items.json", "json")):
        match = re.search(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        if match is None:
            raise ValueError(f"{PAGE.name} has no block for {name}")
        found[name] = match[1]
    return found


@contextlib.contextmanager
def folder_of_the_page() -> Iterator[Path]:
    """A folder with the page's files, as the current one."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files_of_the_page().items():
            Path(folder, name).write_text(text, encoding="utf-8")
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def ran(*arguments: str) -> Callable[[Screen], None]:
    """Draws what a command shows."""

    def draw(screen: Screen) -> None:
        with contextlib.redirect_stderr(io.StringIO()):
            app.main([*arguments], obj=screen, standalone_mode=False)

    return draw


def examined(screen: Screen) -> None:
    """Draws what the doctor shows of a gateway whose omnigate is down."""
    evidence = Evidence(
        url="http://127.0.0.1:5304",
        scheme="http",
        host="127.0.0.1",
        port=5304,
        loopback=True,
        probes={
            "/healthz": Probe("/healthz", 200, text="ok", skew=0.0),
            "/readyz": Probe("/readyz", 503, text="not ready"),
            "/version": Probe("/version", 200, json={"service": "svc-gateway", "version": "0.1.0"}),
            "/app/healthz": Probe("/app/healthz", 502),
        },
    )
    show(screen, evidence, diagnose(evidence))


PICTURED: dict[str, tuple[str, Callable[[Screen], None]]] = {
    "cli-list": (
        "ron list shop:Item --memory --seed items.json",
        ran("list", "shop:Item", "--memory", "--seed", "items.json"),
    ),
    "cli-doctor": ("ron doctor http://127.0.0.1:5304", examined),
    "cli-watch": (
        "ron watch shop:Item --memory --seed items.json",
        ran("watch", "shop:Item", "--memory", "--seed", "items.json"),
    ),
    "cli-check": ("ron manifest check shop", ran("manifest", "check", "shop")),
}


def pictures() -> dict[str, str]:
    """Every picture's SVG, by file name."""
    drawn = {}
    with folder_of_the_page():
        for name, (typed, draw) in PICTURED.items():
            console = Console(
                record=True,
                file=io.StringIO(),
                force_terminal=True,
                width=WIDTH,
                color_system="truecolor",
                highlight=False,
                legacy_windows=False,
                _environ={},
            )
            console.print(Text(f"$ {typed}", style="bold"))
            draw(Screen(console=console, terminal=True))
            svg = console.export_svg(title="ron", theme=MONOKAI, code_format=SVG, unique_id=name)
            drawn[f"{name}.svg"] = "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"
    return drawn


def words(svg: str) -> str:
    """What a picture says, whatever the version of rich that drew it."""
    texts: list[Any] = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    return re.sub(r"(&#160;|\s)+", " ", " ".join(texts)).strip()


if __name__ == "__main__":
    for name, svg in pictures().items():
        (PICTURES / name).write_text(svg, encoding="utf-8")
        print(PICTURES / name)
