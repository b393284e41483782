"""``python -m benchmarks [--smoke] [--no-plot] [name ...]``: runs them all, or those that are named.

Results go to ``benchmarks/results/NAME.json``, pictures to ``docs/pictures/``, tables into the pages
that quote them. A smoke run writes nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from benchmarks._registry import NAMES, Figures, load, with_block

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PICTURES = ROOT / "docs" / "pictures"


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """The command. Returns the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures, and writes what docs/ quotes.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of: {', '.join(NAMES)}; all by default")
    parser.add_argument("--smoke", action="store_true", help="everything in seconds, only to see that it works")
    parser.add_argument("--no-plot", action="store_true", help="no pictures, so matplotlib is not needed")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(NAMES)}")
    draw = not (given.smoke or given.no_plot)
    if draw and importlib.util.find_spec("matplotlib") is None:
        parser.error("pictures need matplotlib: pip install -e '.[bench]', or give --no-plot")
    for name in given.names or NAMES:
        print(f"==> {name}", flush=True)
        figures = load(name).run(smoke=given.smoke, draw=draw)
        print(figures.text, flush=True)
        if not given.smoke:
            write(name, figures)
    return 0


def write(name: str, figures: Figures) -> None:
    """Writes a run's result, pictures and tables; the same figures give the same bytes."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(figures.result, indent=1, allow_nan=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    for picture, svg in figures.pictures.items():
        PICTURES.mkdir(parents=True, exist_ok=True)
        (PICTURES / f"{picture}.svg").write_text(svg, encoding="utf-8")
    for place, blocks in figures.blocks.items():
        page = ROOT / place
        text = page.read_text(encoding="utf-8")
        for block, table in blocks.items():
            text = with_block(text, block, table)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
